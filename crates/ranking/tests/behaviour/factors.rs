//! Matrix factorisation: the formula, its top, its refusals.

use quickcheck::{Arbitrary, Gen, quickcheck};
use ranking::limits::{FACTORS_MAX, PAIRS_MAX, TITLES_MAX};
use ranking::{Error, FactorColumns, Factors, FactorsError, Scored, TitleId, ViewerId};

/// A random small model; numbers on a coarse grid, so that ties are common.
#[derive(Clone, Debug)]
struct Model(FactorColumns);

impl Arbitrary for Model {
    fn arbitrary(source: &mut Gen) -> Self {
        let (viewers, titles) = (u32::arbitrary(source) % 5, u32::arbitrary(source) % 12 + 1);
        let factors = usize::arbitrary(source) % 5 + 1;
        let mut numbers = |count: u32| -> Vec<f32> {
            (0..count).map(|_| f32::from(i8::arbitrary(source) % 4) / 2.0).collect()
        };
        let d = u32::try_from(factors).unwrap();
        Self(FactorColumns {
            mean: 3.5,
            factors,
            viewer_ids: (0..viewers).map(|number| number * 2).collect(),
            viewer_biases: numbers(viewers),
            viewer_factors: numbers(viewers * d),
            title_ids: (0..titles).map(|number| number * 3).collect(),
            title_biases: numbers(titles),
            title_factors: numbers(titles * d),
        })
    }
}

/// Two viewers, three titles, two factors.
fn small() -> FactorColumns {
    FactorColumns {
        mean: 3.0,
        factors: 2,
        viewer_ids: vec![7, 9],
        viewer_biases: vec![0.25, -0.5],
        viewer_factors: vec![1.0, 2.0, -1.0, 0.5],
        title_ids: vec![10, 20, 30],
        title_biases: vec![0.5, 0.0, -0.25],
        title_factors: vec![0.5, 0.25, 1.0, -1.0, 0.0, 0.125],
    }
}

/// The same sum in f64.
fn reference(columns: &FactorColumns, viewer: ViewerId, title: TitleId) -> f64 {
    let mean = f64::from(columns.mean);
    let Some(u) = columns.viewer_ids.iter().position(|&id| id == viewer) else { return mean };
    let Some(i) = columns.title_ids.iter().position(|&id| id == title) else { return mean };
    let d = columns.factors;
    let products = (0..d).map(|factor| {
        f64::from(columns.viewer_factors[u * d + factor]) * f64::from(columns.title_factors[i * d + factor])
    });
    mean + f64::from(columns.viewer_biases[u]) + f64::from(columns.title_biases[i]) + products.sum::<f64>()
}

quickcheck! {
    fn predictions_are_within_a_ten_thousandth_of_exact_ones(model: Model, pairs: Vec<(u8, u8)>) -> bool {
        let pairs: Vec<_> = pairs.iter().map(|&(viewer, title)| (viewer.into(), title.into())).collect();
        let predicted = Factors::new(model.0.clone()).unwrap().predict(&pairs).unwrap();
        predicted.len() == pairs.len()
            && pairs.iter().zip(predicted).all(|(&(viewer, title), rating)| {
                (f64::from(rating) - reference(&model.0, viewer, title)).abs() < 1e-4
            })
    }

    fn the_top_is_the_head_of_a_full_sort(model: Model, viewer: u8, n: u8, exclude: Vec<u8>) -> bool {
        let (viewer, n) = (u32::from(viewer % 12), usize::from(n % 16));
        let exclude: Vec<TitleId> = exclude.iter().map(|&title| u32::from(title % 40)).collect();
        let factors = Factors::new(model.0.clone()).unwrap();
        let mut expected: Vec<Scored> = Vec::new();
        if model.0.viewer_ids.contains(&viewer) {
            for &title in model.0.title_ids.iter().filter(|title| !exclude.contains(title)) {
                expected.push(Scored { title, score: factors.predict(&[(viewer, title)]).unwrap()[0] });
            }
        }
        // A stable sort of a list by rising id: ties stay with the lower id.
        expected.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap());
        expected.truncate(n);
        factors.top_rated(viewer, n, &exclude) == expected
    }
}

#[test]
fn a_prediction_is_mean_biases_and_product() {
    let factors = Factors::new(small()).unwrap();
    // 3 + 0.25 + 0.5 + 1·0.5 + 2·0.25; 3 + 0.25 + 0 + 1·1 − 2·1; 3 − 0.5 − 0.25 + 0.5·0.125.
    let predicted = factors.predict(&[(7, 10), (7, 20), (9, 30)]).unwrap();
    assert_eq!(predicted, [4.75, 2.25, 2.3125]);
    assert_eq!(factors.viewers(), 2);
    assert_eq!(factors.columns(), &small());
}

#[test]
fn an_unknown_viewer_or_title_gets_the_mean() {
    let factors = Factors::new(small()).unwrap();
    assert_eq!(factors.predict(&[(8, 10), (7, 11), (0, u32::MAX)]).unwrap(), [3.0, 3.0, 3.0]);
    assert!(factors.top_rated(8, 3, &[]).is_empty());
}

#[test]
fn the_top_is_shorter_when_titles_run_out_and_knows_no_minus_infinity() {
    let factors = Factors::new(small()).unwrap();
    let top = |n: usize, exclude: &[TitleId]| -> Vec<TitleId> {
        factors.top_rated(7, n, exclude).iter().map(|scored| scored.title).collect()
    };
    assert_eq!(top(usize::MAX, &[]), [10, 30, 20]);
    assert_eq!(top(3, &[30, 30, 31]), [10, 20]);
    assert!(top(3, &[10, 20, 30]).is_empty());
    assert!(top(0, &[]).is_empty());
}

#[test]
fn a_call_has_at_most_100_000_pairs() {
    let factors = Factors::new(small()).unwrap();
    assert!(factors.predict(&[]).unwrap().is_empty());
    assert_eq!(factors.predict(&vec![(7, 10); PAIRS_MAX]).unwrap().len(), 100_000);
    let refused = factors.predict(&vec![(7, 10); PAIRS_MAX + 1]);
    assert_eq!(refused.unwrap_err(), Error::TooManyPairs { pairs: 100_001 });
}

fn check(break_it: impl Fn(&mut FactorColumns), expected: FactorsError) {
    let mut columns = small();
    break_it(&mut columns);
    assert_eq!(Factors::new(columns).unwrap_err(), expected);
}

#[test]
fn a_model_has_titles_and_factors_but_not_too_many() {
    check(|columns| columns.factors = 0, FactorsError::Size);
    check(|columns| columns.factors = FACTORS_MAX + 1, FactorsError::Size);
    check(|columns| columns.title_ids.clear(), FactorsError::Size);
    check(|columns| columns.title_ids = vec![0; TITLES_MAX + 1], FactorsError::Size);
}

#[test]
fn columns_are_as_long_as_their_ids() {
    fn length(column: &'static str) -> FactorsError {
        FactorsError::Length { column }
    }
    check(|columns| columns.viewer_biases.clear(), length("viewer_bias"));
    check(|columns| columns.viewer_factors.push(0.0), length("viewer_factors"));
    check(|columns| columns.title_biases.push(0.0), length("title_bias"));
    check(|columns| columns.title_factors.truncate(5), length("title_factors"));
    check(|columns| columns.factors = 3, length("viewer_factors"));
}

#[test]
fn ids_of_viewers_and_titles_rise() {
    check(|columns| columns.viewer_ids = vec![9, 9], FactorsError::IdsNotRising { column: "viewer_id" });
    check(|columns| columns.title_ids = vec![1, 3, 2], FactorsError::IdsNotRising { column: "title_id" });
}

#[test]
fn numbers_are_finite() {
    fn not_finite(column: &'static str) -> FactorsError {
        FactorsError::NotFinite { column }
    }
    check(|columns| columns.mean = f32::NAN, not_finite("mean"));
    check(|columns| columns.viewer_biases[1] = f32::INFINITY, not_finite("viewer_bias"));
    check(|columns| columns.viewer_factors[3] = f32::NAN, not_finite("viewer_factors"));
    check(|columns| columns.title_biases[0] = f32::NEG_INFINITY, not_finite("title_bias"));
    check(|columns| columns.title_factors[5] = f32::NAN, not_finite("title_factors"));
}

#[test]
fn refusals_are_told_in_words() {
    let refusals = [
        (FactorsError::Size, "no titles or factors, or too many"),
        (FactorsError::Length { column: "title_bias" }, "column title_bias is not as long as its ids"),
        (FactorsError::IdsNotRising { column: "title_id" }, "column title_id does not rise"),
        (FactorsError::NotFinite { column: "mean" }, "column mean holds a number that is not finite"),
    ];
    for (refusal, text) in refusals {
        assert_eq!(refusal.to_string(), text);
    }
}
