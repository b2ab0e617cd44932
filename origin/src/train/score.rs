//! Models that score every item for a history, measured and blended on held-out views.

use inference::TowerError;
use kernels::Query;
use ranking::Blend;
use rayon::prelude::*;

use super::limits::SEARCH_VIEWERS_MAX;
use super::rank::{Place, Quality, Tally};
use super::rows::{Entries, Rows};
use super::sequences::Sequences;
use super::tower::Tower;

/// Scores every item.
pub trait Scorer: Sync {
    /// One row a history (oldest first, not empty), one score an item.
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32>;
}

impl Scorer for Tower {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let encoded: Vec<&[u32]> = histories.iter().map(|history| ranking::encoded(history)).collect();
        Tower::scores(self, &encoded)
    }
}

/// Item-to-item rows with the weight of each age.
#[derive(Clone, Debug)]
pub struct WeighedRows<'a> {
    /// As shipped.
    pub rows: &'a Rows,
    /// Weights by age, newest first.
    pub decay: Vec<f32>,
}

impl Scorer for WeighedRows<'_> {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let items = self.rows.len();
        let mut scores = vec![0.0; histories.len() * items];
        for (scores, history) in scores.chunks_exact_mut(items).zip(histories) {
            for (&item, &factor) in history.iter().rev().zip(&self.decay) {
                self.rows.add_to(scores, item as usize, factor);
            }
        }
        scores
    }
}

/// Item-to-item rows as they were before pruning and rounding.
#[derive(Clone, Debug)]
pub struct WholeRows {
    /// One list an item.
    pub entries: Entries,
    /// Weights by age, newest first.
    pub decay: Vec<f32>,
}

impl Scorer for WholeRows {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let items = self.entries.len();
        let mut scores = vec![0.0; histories.len() * items];
        for (scores, history) in scores.chunks_exact_mut(items).zip(histories) {
            for (&item, &factor) in history.iter().rev().zip(&self.decay) {
                for &(target, value) in &self.entries[item as usize] {
                    scores[target as usize] += factor * value;
                }
            }
        }
        scores
    }
}

/// Rows, and popularity for what they do not speak for, as a node without a tower answers.
///
/// Without it all that no row speaks for would stand alike: where they say little, that is among the first.
pub struct FilledUp<'a> {
    rows: &'a dyn Scorer,
    popular: Vec<f32>,
}

impl<'a> FilledUp<'a> {
    /// Popular is what was watched most without the newest `held_out` views of each viewer.
    pub fn new(rows: &'a dyn Scorer, sequences: &Sequences, held_out: usize) -> Self {
        let views: Vec<f32> = sequences.counts(held_out).into_iter().map(|count| count as f32).collect();
        Self { rows, popular: ranking::popular_scores(&views) }
    }
}

impl Scorer for FilledUp<'_> {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let mut scores = self.rows.scores(histories);
        for scores in scores.chunks_exact_mut(self.popular.len()) {
            for (score, &popular) in scores.iter_mut().zip(&self.popular) {
                if *score <= 0.0 {
                    *score = popular;
                }
            }
        }
        scores
    }
}

/// A tower as an edge runs it: items in eight bits, layers in fixed point, viewers in seven bits.
#[derive(Clone, Debug)]
pub struct EdgeTower(inference::Tower);

impl EdgeTower {
    /// Writes the file that a release would ship and reads it as a node does.
    ///
    /// # Errors
    /// When a node could not read it.
    pub fn new(tower: &Tower) -> Result<Self, TowerError> {
        inference::Tower::read(&tower.to_onnx()).map(Self)
    }

    /// Bytes the item vectors take, with their scales.
    pub fn bytes(&self) -> u64 {
        (self.0.items().rows() * (self.0.items().columns() + size_of::<f32>())) as u64
    }
}

impl Scorer for EdgeTower {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let mut scores = Vec::with_capacity(histories.len() * self.0.items().rows());
        for history in histories {
            // A history is not empty and of known items; one whose vector is not finite finds nothing.
            let viewer =
                self.0.encode(ranking::encoded(history)).unwrap_or_else(|_| vec![0.0; self.0.shape().width]);
            scores.extend(kernels::scores(self.0.items(), &Query::quantise(&viewer)));
        }
        scores
    }
}

/// Two models on one scale.
pub struct Blended<'a> {
    /// Estimates of chances.
    pub rows: &'a dyn Scorer,
    /// Logarithms of chances.
    pub tower: &'a dyn Scorer,
    /// How they are added.
    pub blend: Blend,
}

impl Scorer for Blended<'_> {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let mut scores = self.tower.scores(histories);
        self.blend.add_rows(&self.rows.scores(histories), &mut scores);
        scores
    }
}

/// Quality on held-out views.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Every view counts the same.
    pub quality: Quality,
    /// HR@10 where a view counts the less, the more often its title was watched before: one over the number of
    /// those views and 1. What knows nothing but popularity gets next to nothing (Yang et al., 2018).
    pub debiased_hr_at_10: f64,
}

/// Quality on the view before the newest `held_out` of each viewer who has one and a history; of more than
/// `viewers_max` viewers some, evenly over all.
pub fn measure(sequences: &Sequences, held_out: usize, viewers_max: usize, scorer: &dyn Scorer) -> Measured {
    let views = views(sequences, held_out, viewers_max);
    measure_places(sequences, held_out, &views, &places(sequences, &views, scorer))
}

/// Quality of the places that `views` have.
///
/// # Panics
/// When there is not one place a view.
pub fn measure_places(
    sequences: &Sequences,
    held_out: usize,
    views: &[View<'_>],
    places: &[Place],
) -> Measured {
    assert_eq!(views.len(), places.len(), "one place a view");
    let counts = sequences.counts(held_out + 1);
    let mut sum = Sum::default();
    for (&place, &(&target, _)) in places.iter().zip(views) {
        sum.add(place, counts[target as usize]);
    }
    sum.measured()
}

/// Places of many targets, added up in a fixed order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    tally: Tally,
    debiased: Debiased,
}

impl Sum {
    /// Counts a target that was watched `count` times before.
    pub fn add(&mut self, place: Place, count: u32) {
        self.tally.add(place);
        self.debiased.add(place, count);
    }

    /// The figures; all 0 when nothing was counted.
    pub fn measured(&self) -> Measured {
        Measured { quality: self.tally.quality(), debiased_hr_at_10: self.debiased.share() }
    }
}

/// Share of hits, weighted against popularity.
#[derive(Clone, Copy, Debug, Default)]
pub struct Debiased {
    hits: f64,
    all: f64,
}

impl Debiased {
    /// Counts a target that was watched `count` times before.
    pub fn add(&mut self, place: Place, count: u32) {
        let weight = 1.0 / (f64::from(count) + 1.0);
        self.all += weight;
        if place.is_hit() {
            self.hits += weight;
        }
    }

    /// 0 to 1; 0 when nothing was counted.
    pub fn share(&self) -> f64 {
        if self.all == 0.0 { 0.0 } else { self.hits / self.all }
    }
}

/// The blend that does best by HR@10 + NDCG@10 on the view before the newest `held_out` of some viewers, and the quality
/// that one chosen so has: each half of the views is judged by the best blend of the other half, or chance would have a
/// tower that knows nothing look better than none.
pub fn choose_blend(
    sequences: &Sequences,
    held_out: usize,
    rows: &WeighedRows<'_>,
    tower: &dyn Scorer,
) -> (Blend, Quality) {
    let views = views(sequences, held_out, SEARCH_VIEWERS_MAX);
    let blends: Vec<Blend> = FLOORS
        .iter()
        .flat_map(|&floor| WEIGHTS.iter().filter_map(move |&weight| Blend::new(weight, floor).ok()))
        .collect();
    let per_view: Vec<Vec<Place>> = views
        .par_chunks(HISTORIES_AT_ONCE)
        .flat_map_iter(|part| {
            let histories: Vec<&[u32]> = part.iter().map(|(_, history)| *history).collect();
            let (rows, towers) = (rows.scores(&histories), tower.scores(&histories));
            let items = sequences.titles().len();
            let both = rows.chunks_exact(items).zip(towers.chunks_exact(items));
            part.iter()
                .zip(both)
                .map(|(view, (rows, tower))| places_of_blends(view, rows, tower))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut halves: [Vec<&[Place]>; 2] = Default::default();
    for (number, places) in per_view.iter().enumerate() {
        halves[number % 2].push(places.as_slice());
    }
    let [even, odd] = &halves;
    let mut judged = Tally::default();
    for (half, other) in [(even, odd), (odd, even)] {
        let chosen = best_of(other);
        half.iter().for_each(|places| judged.add(places[chosen]));
    }
    let all: Vec<&[Place]> = per_view.iter().map(Vec::as_slice).collect();
    (blends[best_of(&all)], judged.quality())
}

/// Which of the blends does best, by the places that each view has with each; the first without views.
fn best_of(views: &[&[Place]]) -> usize {
    let mut best = (0, 0.0);
    for number in 0..views.first().map_or(0, |places| places.len()) {
        let mut tally = Tally::default();
        views.iter().for_each(|places| tally.add(places[number]));
        let worth = tally.quality().worth();
        if worth > best.1 {
            best = (number, worth);
        }
    }
    best.0
}

/// The target's place by each floor and weight; a logarithm is taken once a floor.
fn places_of_blends(&(&target, history): &View<'_>, rows: &[f32], tower: &[f32]) -> Vec<Place> {
    let mut places = Vec::with_capacity(FLOORS.len() * WEIGHTS.len());
    let mut scores = vec![0.0; rows.len()];
    for floor in FLOORS {
        let unit = Blend::new(1.0, floor).expect("the floors are in range");
        let logarithms: Vec<f32> = rows.iter().map(|&row| unit.score(row, 0.0)).collect();
        for weight in WEIGHTS {
            for ((score, tower), logarithm) in scores.iter_mut().zip(tower).zip(&logarithms) {
                *score = tower + weight * logarithm;
            }
            history.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
            places.push(Place::among(&scores, target as usize));
        }
    }
    places
}

/// The view to look for, and what was watched before it.
pub type View<'a> = (&'a u32, &'a [u32]);

/// The view before the newest `held_out` of each viewer who has one and a history; of more than `viewers_max` some,
/// evenly over all.
pub fn views(sequences: &Sequences, held_out: usize, viewers_max: usize) -> Vec<View<'_>> {
    let views = sequences.iter(held_out).filter_map(<[u32]>::split_last);
    let views: Vec<View<'_>> = views.filter(|(_, history)| !history.is_empty()).collect();
    let stride = views.len().div_ceil(viewers_max).max(1);
    views.into_iter().step_by(stride).collect()
}

/// The part of a history of which a node makes anything; the rest is only filtered.
pub fn newest(history: &[u32]) -> &[u32] {
    &history[history.len().saturating_sub(ranking::limits::HISTORY_WINDOW_MAX as usize)..]
}

/// In the order of the views, whatever thread found them.
pub fn places(sequences: &Sequences, views: &[View<'_>], scorer: &dyn Scorer) -> Vec<Place> {
    let parts = views.par_chunks(HISTORIES_AT_ONCE).flat_map_iter(|part| {
        let histories: Vec<&[u32]> = part.iter().map(|(_, history)| *history).collect();
        let mut scores = scorer.scores(&histories);
        let rows = scores.chunks_exact_mut(sequences.titles().len()).zip(part);
        rows.map(|(scores, (target, history))| {
            history.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
            Place::among(scores, **target as usize)
        })
        .collect::<Vec<_>>()
    });
    parts.collect()
}

/// Scores of so many histories are held at once by each thread.
const HISTORIES_AT_ONCE: usize = 32;

/// In steps of about one and a half; at the ends the tower decides alone, and the rows nearly so.
const WEIGHTS: [f32; 13] = [0.0, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0, 20.0];

/// Chances of a candidate without a row entry: from one in thousands to one in thirty.
const FLOORS: [f32; 5] = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::random::Random;

    /// Likes the items that the newest one names, by a table.
    struct Table(Vec<Vec<f32>>);

    impl Scorer for Table {
        fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
            let newest = histories.iter().filter_map(|history| history.last());
            newest.flat_map(|&item| self.0[item as usize].clone()).collect()
        }
    }

    fn sequences() -> Sequences {
        Sequences::new([(1, vec![0, 1, 2]), (2, vec![1, 2, 0]), (3, vec![2, 0, 1]), (4, vec![3])])
    }

    #[test]
    fn measures_what_was_held_out() {
        let next = |item: usize| (0..4).map(|other| f32::from(u8::from(other == (item + 1) % 3))).collect();
        let table = Table((0..4).map(next).collect());
        let measured = measure(&sequences(), 0, usize::MAX, &table);
        assert_eq!(
            (measured.quality.users, measured.quality.hr_at_10, measured.quality.ndcg_at_10),
            (3, 1.0, 1.0)
        );
        assert_eq!(measured.debiased_hr_at_10, 1.0);
        assert_eq!(measure(&sequences(), 0, 2, &table).quality.users, 2);
    }

    #[test]
    fn what_no_row_speaks_for_stands_by_its_popularity() {
        // Watched three times, four times and once without each viewer's last view.
        let watched = [[0, 1, 1], [1, 0, 2], [0, 1, 2], [2, 1, 0]].into_iter().map(Vec::from);
        let sequences = Sequences::new((0..).zip(watched).collect::<Vec<_>>());
        let entries = vec![vec![(1, 0.5), (2, -0.5)], vec![], vec![]];
        let rows = WholeRows { entries, decay: vec![1.0] };
        let rows = FilledUp::new(&rows, &sequences, 1);
        assert_eq!(rows.scores(&[&[0], &[1]]), [-0.25, 0.5, -0.75, -0.25, 0.0, -0.75]);
    }

    #[test]
    fn rows_that_say_nothing_find_what_is_popular_and_nothing_else() {
        // Everybody watched the first ten, and then something else.
        let watched = |viewer: u32| (0..10).map(|item| (item + viewer) % 10).chain([10 + viewer]).collect();
        let sequences = Sequences::new((0..30).map(|viewer| (viewer, watched(viewer))));
        let rows = Rows::quantise(vec![Vec::new(); sequences.titles().len()]);
        let rows = WeighedRows { rows: &rows, decay: vec![1.0] };
        let found = |held_out: usize, scorer: &dyn Scorer| {
            measure(&sequences, held_out, usize::MAX, scorer).quality.hr_at_10
        };
        assert_eq!(found(0, &rows), 1.0, "all stand alike");
        assert_eq!(found(1, &FilledUp::new(&rows, &sequences, 2)), 1.0);
        let filled_up = FilledUp::new(&rows, &sequences, 1);
        let unseen = Place::among(&filled_up.scores(&[&[0]]), 12);
        assert_eq!(unseen, Place::At(10));
    }

    #[test]
    fn a_rare_title_counts_more_than_a_common_one() {
        let mut debiased = Debiased::default();
        debiased.add(Place::At(0), 99);
        debiased.add(Place::At(10), 0);
        assert!((debiased.share() - 0.01 / 1.01).abs() < 1e-12);
    }

    #[test]
    fn a_useless_tower_is_outvoted_by_the_rows() {
        let rows = Rows::quantise((0..4).map(|item| vec![((item + 1) % 3, 0.5)]).collect());
        let rows = WeighedRows { rows: &rows, decay: vec![1.0] };
        // The tower is sure of what does not come next.
        let tower = Table(
            (0..4)
                .map(|item| {
                    (0..4)
                        .map(|other| if other == item { 0.0 } else { -0.1 * ((item + 3 - other) % 3) as f32 })
                        .collect()
                })
                .collect(),
        );
        // Several of each, so that either half of the viewers knows them all.
        let watched = [[0, 1, 2], [1, 2, 0], [2, 0, 1]].repeat(4).into_iter().map(Vec::from);
        let sequences = Sequences::new((0..).zip(watched).chain([(12, vec![3])]).collect::<Vec<_>>());
        let (blend, quality) = choose_blend(&sequences, 0, &rows, &tower);
        assert!(blend.weight() > 0.0 && quality.ndcg_at_10 == 1.0, "{blend:?} {quality:?}");
        let blended = Blended { rows: &rows, tower: &tower, blend };
        assert_eq!(measure(&sequences, 0, usize::MAX, &blended).quality, quality);
    }

    #[test]
    fn a_blend_of_nothing_with_nothing_is_judged_to_find_as_much_as_chance_does() {
        const ITEMS: u32 = 40;
        let found = |seed: u64| {
            let mut random = Random::new(seed);
            let mut row = || (0..ITEMS).map(|_| random.uniform() as f32).collect::<Vec<_>>();
            let tower = Table((0..ITEMS).map(|_| row()).collect());
            let rows = (0..ITEMS).map(|item| (0..).zip(row()).filter(|(other, _)| *other != item).collect());
            let rows = Rows::quantise(rows.collect());
            let rows = WeighedRows { rows: &rows, decay: vec![1.0] };
            let mut below = |bound: u32| (random.uniform() * f64::from(bound)) as u32;
            let watched = (0..60).map(|viewer| {
                let first = below(ITEMS);
                (viewer, vec![first, (first + 1 + below(ITEMS - 1)) % ITEMS])
            });
            let watched: Vec<_> = watched.collect();
            choose_blend(&Sequences::new(watched), 0, &rows, &tower).1.hr_at_10
        };
        let mean = (0..40).map(found).sum::<f64>() / 40.0;
        let by_chance = 10.0 / f64::from(ITEMS - 1);
        assert!((mean - by_chance).abs() < 0.02, "{mean}");
    }
}
