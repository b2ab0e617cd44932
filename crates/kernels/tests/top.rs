//! What the exact search finds, beside the plainest way to find it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]

use kernels::{ByteMatrix, MatrixError, Query, power_of_two, top};
use quickcheck::{Arbitrary, Gen, QuickCheck};

/// A few columns, rows with ties, a query.
#[derive(Clone, Debug)]
struct Case {
    columns: usize,
    values: Vec<i8>,
    scales: Vec<f32>,
    query: Vec<f32>,
    count: usize,
    forbidden: Vec<bool>,
}

impl Arbitrary for Case {
    fn arbitrary(g: &mut Gen) -> Self {
        let columns = usize::arbitrary(g) % 70 + 1;
        let rows = usize::arbitrary(g) % if bool::arbitrary(g) { 60 } else { 3_000 };
        // Few values and scales, so that scores tie.
        let values = (0..rows * columns).map(|_| *g.choose(&[-128, -3, 0, 1, 127]).unwrap()).collect();
        let scales = (0..rows).map(|_| *g.choose(&[0.25, 0.5, 1.0]).unwrap()).collect();
        let query = (0..columns).map(|_| f32::from(i8::arbitrary(g)) / 16.0).collect();
        let forbidden = (0..rows).map(|_| bool::arbitrary(g)).collect();
        Self { columns, values, scales, query, count: usize::arbitrary(g) % 70, forbidden }
    }
}

/// All scores, sorted.
fn by_sorting(case: &Case) -> Vec<(f32, u32)> {
    let scale = power_of_two(&case.query, 63.0);
    let query: Vec<i64> = case.query.iter().map(|value| (value / scale).round_ties_even() as i64).collect();
    let product = |row: &[i8]| row.iter().zip(&query).map(|(&a, b)| i64::from(a) * b).sum::<i64>();
    let rows = case.values.chunks_exact(case.columns).zip(&case.scales);
    let mut all: Vec<(f32, u32)> = (0..)
        .zip(rows)
        .filter(|(row, _)| !case.forbidden[*row as usize])
        .map(|(row, (values, row_scale))| (product(values) as f32 * row_scale * scale, row))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.truncate(case.count);
    all
}

#[test]
fn the_best_rows_are_those_that_sorting_all_would_give() {
    fn holds(case: Case) -> bool {
        let matrix = ByteMatrix::new(case.columns, &case.values, case.scales.clone()).unwrap();
        let query = Query::quantise(&case.query);
        let found = top(&matrix, &query, case.count, |row| !case.forbidden[row]);
        // −0 and 0 are one score.
        let plain = |list: Vec<(f32, u32)>| list.into_iter().map(|(score, row)| (score + 0.0, row)).collect();
        let (found, expected): (Vec<_>, Vec<_>) = (plain(found), plain(by_sorting(&case)));
        found == expected
    }
    QuickCheck::new().tests(500).quickcheck(holds as fn(Case) -> bool);
}

#[test]
fn a_filter_is_asked_about_few_rows_and_about_more_when_it_forbids_them() {
    let mut state = 1_u32;
    let values = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as i8
    });
    let values: Vec<i8> = values.take(2 * 20_000).collect();
    let matrix = ByteMatrix::new(2, &values, vec![1.0; 20_000]).unwrap();
    let query = Query::quantise(&[1.0, 0.37]);
    let ask = |allowed: usize| {
        let mut asked = 0;
        let found = top(&matrix, &query, 100, |row| {
            asked += 1;
            row % allowed == 0
        });
        (asked, found.len())
    };
    let (asked, found) = ask(1);
    assert!(asked < 1_000 && found == 100, "{asked} {found}");
    let (asked, found) = ask(50);
    assert!(asked > 2_000 && found == 100, "{asked} {found}");
    assert_eq!(ask(1_000).1, 20);
}

#[test]
fn quantised_values_are_within_half_a_step() {
    fn holds(values: Vec<i16>) -> bool {
        let floats: Vec<f32> = values.iter().map(|&value| f32::from(value) / 97.0).collect();
        if floats.is_empty() || floats.len() > 1_024 {
            return true;
        }
        let matrix = ByteMatrix::quantise(floats.len(), &floats).unwrap();
        let scale = matrix.scales()[0];
        matrix
            .row(0)
            .iter()
            .zip(&floats)
            .all(|(&byte, value)| (f32::from(byte) * scale - value).abs() <= scale / 2.0)
    }
    QuickCheck::new().quickcheck(holds as fn(Vec<i16>) -> bool);
}

#[test]
fn floats_that_are_no_whole_finite_rows_are_refused() {
    let rows = |rows, columns, values: &[f32]| {
        ByteMatrix::quantise_rows(rows, columns, values.iter().copied())
            .map(|matrix| matrix.scales().to_vec())
    };
    assert_eq!(rows(2, 2, &[127.0, 1.0, 0.0, 0.0]), Ok(vec![1.0, 1.0]));
    assert_eq!(rows(0, 2, &[]), Ok(vec![]));
    assert_eq!(rows(2, 2, &[1.0; 3]), Err(MatrixError::Shape { values: 3 }));
    assert_eq!(ByteMatrix::quantise(2, &[1.0; 3]), Err(MatrixError::Shape { values: 3 }));
    assert_eq!(rows(1, 0, &[1.0]), Err(MatrixError::Columns { columns: 0 }));
    assert_eq!(ByteMatrix::quantise(0, &[1.0]), Err(MatrixError::Columns { columns: 0 }));
    for odd in [f32::NAN, f32::INFINITY, f32::MAX] {
        assert_eq!(rows(2, 2, &[1.0, 1.0, 1.0, odd]), Err(MatrixError::Scale { row: 1 }), "{odd}");
    }
}

#[test]
fn the_scale_is_the_smallest_power_of_two_that_fits() {
    for (largest, scale) in
        [(127.0, 1.0), (127.1, 2.0), (63.5, 0.5), (63.6, 1.0), (1e-3, 1.0 / 65_536.0 / 1.0)]
    {
        let found = power_of_two(&[0.1 * largest, -largest], 127.0);
        assert!(largest / found <= 127.0 && largest / found > 63.4, "{largest}: {found}");
        if largest > 1.0 {
            assert_eq!(found, scale, "{largest}");
        }
    }
    assert_eq!(power_of_two(&[0.0, -0.0], 127.0), 1.0);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    assert_eq!(ByteMatrix::new(0, &[], vec![]), Err(MatrixError::Columns { columns: 0 }));
    assert_eq!(ByteMatrix::new(1_025, &[], vec![]), Err(MatrixError::Columns { columns: 1_025 }));
    assert_eq!(ByteMatrix::new(3, &[1; 5], vec![1.0; 2]), Err(MatrixError::Shape { values: 5 }));
    for scale in [0.0, -1.0, 3.0, f32::NAN, f32::INFINITY] {
        assert_eq!(ByteMatrix::new(1, &[1, 1], vec![1.0, scale]), Err(MatrixError::Scale { row: 1 }));
    }
    let matrix = ByteMatrix::new(16, &[1; 16], vec![1.0]).unwrap();
    assert_eq!(top(&matrix, &Query::quantise(&[1.0; 17]), 5, |_| true), []);
    assert_eq!(top(&matrix, &Query::quantise(&[1.0; 16]), 0, |_| true), []);
}
