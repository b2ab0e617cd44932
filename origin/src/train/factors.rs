//! Biased matrix factorisation by stochastic gradient descent.
//!
//! r(u, i) = μ + b_u + b_i + p_u · q_i, one rating at a time in a new random order each epoch; an item's
//! factors move by the viewer's *old* factors; biases are regularised, μ is the mean of all ratings and stays.

use std::collections::HashSet;

use ranking::{FactorColumns, Factors};

use super::random::Random;
use super::sequences::Sequences;

/// A viewer's rating of a title.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// Who.
    pub viewer: u32,
    /// What.
    pub title: u32,
    /// On any scale; finite.
    pub rating: f32,
}

/// How the model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Factors of a viewer or a title; 1 to [`ranking::limits::FACTORS_MAX`].
    pub factors: usize,
    /// Passes over all ratings.
    pub epochs: u32,
    /// Step size.
    pub learning_rate: f32,
    /// Pull of biases and factors towards 0.
    pub regularisation: f32,
    /// Of the first factors and the order of ratings.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { factors: 50, epochs: 20, learning_rate: 0.01, regularisation: 0.02, seed: 42 }
    }
}

/// Ratings of viewers who never rate, without the newest `held_out` views of each: a view counts 1, and for each
/// view some titles not viewed, drawn at random, count 0.
pub fn from_views(sequences: &Sequences, held_out: usize, unseen_a_view: u32, seed: u64) -> Vec<Rating> {
    let mut random = Random::new(seed);
    let titles = sequences.titles();
    let mut ratings = Vec::with_capacity((1 + unseen_a_view as usize) * sequences.events());
    for (&viewer, watched) in sequences.viewers().iter().zip(sequences.iter(held_out)) {
        let seen: HashSet<u32> = watched.iter().copied().collect();
        for &item in watched {
            ratings.push(Rating { viewer, title: titles[item as usize], rating: 1.0 });
            for _ in 0..unseen_a_view {
                let drawn = (random.uniform() * titles.len() as f64) as u32;
                // Whoever has seen nearly everything gets fewer; no search for what may not exist.
                if !seen.contains(&drawn) {
                    ratings.push(Rating { viewer, title: titles[drawn as usize], rating: 0.0 });
                }
            }
        }
    }
    ratings
}

/// A model and how it came about.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub factors: Factors,
    /// Root mean square error over the training ratings while they were passed, one an epoch.
    pub rmse: Vec<f64>,
}

/// Trains on `ratings`, in any order; of several ratings of one title by one viewer each counts.
///
/// # Errors
/// When there is nothing to learn from, or the numbers leave all bounds.
pub fn train(ratings: &[Rating], settings: &Settings) -> Result<Trained, FactorsError> {
    let mut model = start(ratings, settings)?;
    let index = |ids: &[u32], id: u32| ids.binary_search(&id).expect("the ids were taken from these ratings");
    let mut order: Vec<(usize, usize, f32)> = ratings
        .iter()
        .map(|rating| {
            (index(&model.viewer_ids, rating.viewer), index(&model.title_ids, rating.title), rating.rating)
        })
        .collect();
    let mut random = Random::new(settings.seed ^ SHUFFLE_STREAM);
    let mut rmse = Vec::new();
    for epoch in 1..=settings.epochs {
        random.shuffle(&mut order);
        let squared: f64 = order.iter().map(|&rating| step(&mut model, settings, rating)).sum();
        rmse.push((squared / order.len() as f64).sqrt());
        if !squared.is_finite() {
            return Err(FactorsError::Diverged { epoch });
        }
        if epoch % EPOCHS_PER_LINE == 0 || epoch == settings.epochs {
            tracing::info!(epoch, rmse = rmse[rmse.len() - 1], "matrix factorisation");
        }
    }
    let factors = Factors::new(model).map_err(FactorsError::Malformed)?;
    Ok(Trained { factors, rmse })
}

fn start(ratings: &[Rating], settings: &Settings) -> Result<FactorColumns, FactorsError> {
    if let Some(place) = ratings.iter().position(|rating| !rating.rating.is_finite()) {
        return Err(FactorsError::NotFinite { place });
    }
    if ratings.is_empty() {
        return Err(FactorsError::NoRatings);
    }
    let ids = |id: fn(&Rating) -> u32| {
        let mut ids: Vec<u32> = ratings.iter().map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (viewer_ids, title_ids) = (ids(|rating| rating.viewer), ids(|rating| rating.title));
    let mut random = Random::new(settings.seed);
    let mut draws = |rows: usize| -> Vec<f32> {
        (0..rows * settings.factors).map(|_| (random.normal() * START_DEVIATION) as f32).collect()
    };
    let (viewer_factors, title_factors) = (draws(viewer_ids.len()), draws(title_ids.len()));
    let sum: f64 = ratings.iter().map(|rating| f64::from(rating.rating)).sum();
    Ok(FactorColumns {
        mean: (sum / ratings.len() as f64) as f32,
        factors: settings.factors,
        viewer_biases: vec![0.0; viewer_ids.len()],
        title_biases: vec![0.0; title_ids.len()],
        viewer_ids,
        viewer_factors,
        title_ids,
        title_factors,
    })
}

/// Moves the model towards one rating; returns the squared error before.
fn step(model: &mut FactorColumns, settings: &Settings, (viewer, title, rating): (usize, usize, f32)) -> f64 {
    let (rate, pull, d) = (settings.learning_rate, settings.regularisation, settings.factors);
    let mine = &mut model.viewer_factors[viewer * d..(viewer + 1) * d];
    let its = &mut model.title_factors[title * d..(title + 1) * d];
    let product: f32 = mine.iter().zip(&*its).map(|(p, q)| p * q).sum();
    let (viewer_bias, title_bias) = (&mut model.viewer_biases[viewer], &mut model.title_biases[title]);
    let error = rating - (model.mean + *viewer_bias + *title_bias + product);
    *viewer_bias += rate * (error - pull * *viewer_bias);
    *title_bias += rate * (error - pull * *title_bias);
    for (p, q) in mine.iter_mut().zip(its) {
        let old = *p;
        *p += rate * (error * *q - pull * old);
        *q += rate * (error * old - pull * *q);
    }
    f64::from(error) * f64::from(error)
}

/// Why no model came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactorsError {
    /// There is nothing to learn from.
    #[error("there are no ratings")]
    NoRatings,
    /// A rating is not a number.
    #[error("rating {place} is not a finite number")]
    NotFinite {
        /// Counted from 0.
        place: usize,
    },
    /// The step size is too large for these ratings.
    #[error("the errors grew beyond all bounds in epoch {epoch}: the learning rate is too high")]
    Diverged {
        /// Counted from 1.
        epoch: u32,
    },
    /// The sizes are outside what a release may hold.
    #[error("not a factor model: {0}")]
    Malformed(ranking::FactorsError),
}

impl FactorsError {
    /// A stable name for this refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoRatings => "factors-no-ratings",
            Self::NotFinite { .. } => "factors-not-finite",
            Self::Diverged { .. } => "factors-diverged",
            Self::Malformed(_) => "factors-malformed",
        }
    }
}

/// First factors are drawn from a normal distribution this wide.
const START_DEVIATION: f64 = 0.1;

/// Keeps the order of ratings independent of how many factors were drawn before.
const SHUFFLE_STREAM: u64 = 0x5348_5546_464c_4500;

const EPOCHS_PER_LINE: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratings of a hidden model: viewers and titles of two kinds like their own kind.
    fn two_kinds() -> Vec<Rating> {
        let mut random = Random::new(3);
        let mut ratings = Vec::new();
        for viewer in 0..60 {
            for title in 0..40 {
                if random.uniform() < 0.5 {
                    let rating = if viewer % 2 == title % 2 { 5.0 } else { 1.0 };
                    ratings.push(Rating { viewer: 100 + viewer, title: 7 * title, rating });
                }
            }
        }
        ratings
    }

    #[test]
    fn learns_what_kind_a_viewer_is() {
        let settings = Settings { factors: 4, epochs: 60, learning_rate: 0.05, ..Settings::default() };
        let trained = train(&two_kinds(), &settings).unwrap();
        assert!(trained.rmse[59] < 0.3 && trained.rmse[59] < trained.rmse[0], "{:?}", trained.rmse);
        let predicted = trained.factors.predict(&[(100, 0), (100, 7), (9, 9)]).unwrap();
        assert!(predicted[0] > 4.0 && predicted[1] < 2.0, "{predicted:?}");
        // A viewer never seen is predicted the mean.
        assert_eq!(predicted[2], trained.factors.columns().mean);
    }

    #[test]
    fn a_pass_moves_biases_and_factors_by_the_gradient_of_each_rating() {
        // Of viewers and titles of their own: the order does not matter.
        let ratings =
            [Rating { viewer: 1, title: 8, rating: 5.0 }, Rating { viewer: 2, title: 9, rating: 2.0 }];
        let settings = Settings { factors: 3, epochs: 0, learning_rate: 0.1, regularisation: 0.5, seed: 7 };
        let columns =
            |epochs| train(&ratings, &Settings { epochs, ..settings }).unwrap().factors.columns().clone();
        let (first, third) = (columns(0), columns(3));
        assert_eq!((first.mean, third.mean), (3.5, 3.5));
        for place in 0..2 {
            let row =
                |factors: &[f32]| factors[place * 3..][..3].iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let (mut p, mut q) = (row(&first.viewer_factors), row(&first.title_factors));
            let (mut of_viewer, mut of_title) = (0.0, 0.0);
            for _ in 0..3 {
                let product: f64 = p.iter().zip(&q).map(|(p, q)| p * q).sum();
                let error = f64::from(ratings[place].rating) - (3.5 + of_viewer + of_title + product);
                of_viewer += 0.1 * (error - 0.5 * of_viewer);
                of_title += 0.1 * (error - 0.5 * of_title);
                let old = p.clone();
                for factor in 0..3 {
                    p[factor] += 0.1 * (error * q[factor] - 0.5 * p[factor]);
                    q[factor] += 0.1 * (error * old[factor] - 0.5 * q[factor]);
                }
            }
            let is_near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(is_near(&row(&third.viewer_factors), &p) && is_near(&row(&third.title_factors), &q));
            let biases = [third.viewer_biases[place], third.title_biases[place]].map(f64::from);
            assert!(is_near(&biases, &[of_viewer, of_title]), "{biases:?}");
        }
    }

    #[test]
    fn equal_ratings_give_equal_bits() {
        let settings = Settings { epochs: 2, ..Settings::default() };
        let model = |settings: &Settings| train(&two_kinds(), settings).unwrap().factors.columns().clone();
        assert_eq!(model(&settings), model(&settings));
        assert_ne!(model(&settings), model(&Settings { seed: 43, ..settings }));
    }

    #[test]
    fn views_alone_say_who_watches_what() {
        let kinds = Sequences::new((0..80).map(|viewer| {
            let own = (0..30).filter(|title| title % 2 == viewer % 2 && (title + viewer) % 3 > 0);
            (viewer, own.collect())
        }));
        let ratings = from_views(&kinds, 0, 1, 1);
        assert_eq!(ratings.iter().filter(|rating| rating.rating == 1.0).count(), kinds.events());
        assert!(ratings.len() > kinds.events() * 3 / 2);
        let settings = Settings { factors: 4, epochs: 60, learning_rate: 0.05, ..Settings::default() };
        let factors = train(&ratings, &settings).unwrap().factors;
        // Viewer 0 watches even titles and has not seen title 6; title 7 is of the other kind.
        let predicted = factors.predict(&[(0, 6), (0, 7)]).unwrap();
        assert!(predicted[0] > predicted[1] + 0.3, "{predicted:?}");
    }

    #[test]
    fn refuses_what_cannot_be_learned() {
        let code = |ratings: &[Rating], settings: &Settings| train(ratings, settings).unwrap_err().code();
        assert_eq!(code(&[], &Settings::default()), "factors-no-ratings");
        let nan = Rating { viewer: 1, title: 1, rating: f32::NAN };
        assert_eq!(code(&[nan], &Settings::default()), "factors-not-finite");
        let wild = Settings { learning_rate: 1e4, ..Settings::default() };
        assert_eq!(code(&two_kinds(), &wild), "factors-diverged");
        let none = Settings { factors: 0, ..Settings::default() };
        assert_eq!(code(&two_kinds(), &none), "factors-malformed");
    }
}
