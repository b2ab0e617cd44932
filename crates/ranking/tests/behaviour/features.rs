//! What the ranker sees, worked out by hand.

use quickcheck::quickcheck;
use ranking::Candidates;
use ranking::features::{COLUMNS, of_pool};
use ranking::{Blend, Rules};

use crate::scenario::Scenario;
use crate::sets::{columns, rules};

/// The candidates of the pool have scores of 3, 2.5, 2 and so on.
fn table(history: &[u32], pool: &[u32]) -> Vec<[f32; COLUMNS]> {
    table_by(&rules(), history, pool)
}

fn table_by(rules: &Rules, history: &[u32], pool: &[u32]) -> Vec<[f32; COLUMNS]> {
    let mut set = columns(&[&[(1, 3), (2, 6)], &[], &[], &[(3, -1)]]);
    set.popularity = vec![8.0, 2.0, 0.0, 1.0];
    set.genres = vec![0b011, 0b001, 0b110, 0];
    set.years = vec![2000, 1990, 0, 1700];
    let falling = |place: usize| 3.0 - place as f32 / 2.0;
    let pool: Vec<(f32, u32)> =
        pool.iter().enumerate().map(|(place, &index)| (falling(place), index)).collect();
    let features = of_pool(&Candidates::new(set).unwrap(), rules, history, &pool);
    features.chunks_exact(COLUMNS).map(|row| row.try_into().unwrap()).collect()
}

fn check(found: &[f32; COLUMNS], expected: [f64; COLUMNS]) {
    for (column, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 1e-6, "column {column}: {found}, not {expected}");
    }
}

quickcheck! {
    fn every_column_stays_in_its_range(scenario: Scenario) -> bool {
        let candidates = Candidates::new(scenario.columns.clone()).unwrap();
        let pool: Vec<(f32, u32)> =
            (0..u32::try_from(candidates.len()).unwrap()).map(|index| (-90.0 * index as f32, index)).collect();
        let features = of_pool(&candidates, &scenario.rules(0), &scenario.request.history, &pool);
        let share = |value: f32| (0.0..=1.0).contains(&value);
        features.chunks_exact(COLUMNS).all(|row| {
            let shares = [row[0], row[2], row[3], row[4], row[7]];
            let others = row[1] >= 0.0 && row[1].is_finite() && (0.0..=10.0).contains(&row[5]);
            shares.into_iter().all(share) && others && (-100.0..=0.0).contains(&row[6])
        })
    }
}

#[test]
fn each_column_is_as_documented() {
    let length = 2_f64.ln() / 201_f64.ln();
    let ln9 = 9_f64.ln();
    let rows = table(&[10], &[1, 2, 3]);
    check(&rows[0], [0.5, 4_f64.ln(), 0.25, 3_f64.ln() / ln9, 0.5, 1.0, 0.0, length]);
    check(&rows[1], [1.0, 7_f64.ln(), 0.0, 0.0, 0.5, 0.0, -0.5, length]);
    // 300 years apart are ten decades at most; no row leads here.
    check(&rows[2], [0.0, 0.0, 0.125, 2_f64.ln() / ln9, 0.0, 10.0, -1.0, length]);
}

#[test]
fn a_share_is_of_the_best_in_the_pool() {
    check(&table(&[10], &[1])[0], {
        let length = 2_f64.ln() / 201_f64.ln();
        [1.0, 4_f64.ln(), 0.25, 3_f64.ln() / 9_f64.ln(), 0.5, 1.0, 0.0, length]
    });
}

#[test]
fn a_blend_says_what_a_row_score_is_held_against() {
    let blended = rules().with_blend(Some(Blend::new(2.0, 0.25).unwrap()));
    let logarithm = |row: &[f32; COLUMNS]| f64::from(row[1]);
    let rows = table_by(&blended, &[10], &[1, 2, 3]);
    // Row scores of 3, 6 and none.
    let expected = [13_f64.ln(), 25_f64.ln(), 0.0];
    assert!(
        rows.iter().map(logarithm).zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6)
    );
}

#[test]
fn a_title_that_rows_push_down_is_as_one_without_a_row() {
    let row = table(&[40], &[3])[0];
    assert_eq!((row[0], row[1]), (0.0, 0.0));
}

#[test]
fn a_mean_year_leaves_out_unknown_ones_and_genres_count_by_title() {
    // Genres of the history: 0 twice, 1 twice, 2 once; years 2000 and 1990.
    let rows = table(&[10, 20, 30], &[0, 1, 2]);
    let share: Vec<f32> = rows.iter().map(|row| row[4]).collect();
    assert_eq!(share, [0.8, 0.4, 0.6]);
    let decades: Vec<f32> = rows.iter().map(|row| row[5]).collect();
    assert_eq!(decades, [0.5, 0.5, 0.0]);
}

#[test]
fn nothing_known_gives_zeros_where_it_matters() {
    let rows = table(&[], &[0, 1, 2, 3]);
    for row in rows {
        assert_eq!([row[0], row[1], row[4], row[5], row[7]], [0.0; 5]);
    }
}

#[test]
fn a_full_window_has_length_1() {
    let mut set = columns(&[&[], &[]]);
    set.popularity = vec![0.0, 0.0];
    let rules = ranking::Rules::new(5.0, 200, 0).unwrap();
    let candidates = Candidates::new(set).unwrap();
    let features = of_pool(&candidates, &rules, &[10; 10_000], &[(0.5, 1)]);
    assert!((features[7] - 1.0).abs() < 1e-6);
    // Without any popularity the shares are 0, not NaN.
    assert_eq!(features[2..4], [0.0, 0.0]);
}
