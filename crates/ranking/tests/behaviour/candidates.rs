//! Columns that do not fit each other are refused, and told where.

use ranking::limits::{ROW_ENTRIES_MAX, TITLES_MAX};
use ranking::{Candidates, CandidatesError, Columns};

use crate::sets::{Row, columns, plain};

fn sound() -> Columns {
    columns(&[&[(1, 3), (2, 6)], &[], &[(0, 1), (2, 9)]])
}

fn check(break_it: impl Fn(&mut Columns), expected: CandidatesError) {
    let mut columns = sound();
    break_it(&mut columns);
    assert_eq!(Candidates::new(columns).unwrap_err(), expected);
}

#[test]
fn sound_columns_are_kept_as_they_are() {
    let candidates = Candidates::new(sound()).unwrap();
    assert_eq!(candidates.columns(), &sound());
    assert_eq!((candidates.len(), candidates.rows(), candidates.is_empty()), (3, 2, false));
    assert_eq!((candidates.index_of(30), candidates.index_of(25)), (Some(2), None));
}

#[test]
fn there_must_be_a_title_and_not_too_many() {
    assert_eq!(Candidates::new(Columns::default()).unwrap_err(), CandidatesError::Empty);
    let titles = TITLES_MAX + 1;
    let many = Columns { title_ids: (0..).take(titles).collect(), ..Columns::default() };
    assert_eq!(Candidates::new(many).unwrap_err(), CandidatesError::TooManyTitles { titles });
}

#[test]
fn every_column_must_be_as_long_as_the_ids() {
    fn length(column: &'static str) -> CandidatesError {
        CandidatesError::Length { column }
    }
    check(|columns| columns.popularity.push(1.0), length("popularity"));
    check(|columns| columns.maturity_years.clear(), length("maturity"));
    check(|columns| columns.years.push(0), length("year"));
    check(|columns| columns.genres.push(0), length("genres"));
    check(|columns| columns.window_from_s.push(0), length("window_from_s"));
    check(|columns| columns.window_until_s.push(0), length("window_until_s"));
    check(|columns| columns.row_scales_log2.push(0), length("row_scale_log2"));
    check(|columns| columns.row_offsets.push(4), length("row_offset"));
    check(|columns| columns.row_offsets.clear(), length("row_offset"));
    check(|columns| columns.row_weights.push(0), length("row_weight"));
    check(|columns| columns.trends = Some(vec![0.0; 2]), length("trend"));
}

#[test]
fn ids_rise() {
    check(|columns| columns.title_ids = vec![10, 30, 20], CandidatesError::IdsNotRising { index: 2 });
    check(|columns| columns.title_ids = vec![10, 10, 20], CandidatesError::IdsNotRising { index: 1 });
}

#[test]
fn popularity_is_a_number_not_below_0() {
    for popularity in [-0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        check(|columns| columns.popularity[1] = popularity, CandidatesError::Popularity { index: 1 });
    }
}

#[test]
fn a_trend_is_a_number_not_below_0() {
    for trend in [-0.5, f32::NAN, f32::INFINITY] {
        check(|columns| columns.trends = Some(vec![0.0, trend, 0.0]), CandidatesError::Trend { index: 1 });
    }
}

#[test]
fn rows_begin_at_0_follow_each_other_and_end_at_the_last_entry() {
    for (offsets, index) in [([1, 2, 2, 4], 0), ([0, 2, 2, 3], 0), ([0, 2, 2, 5], 0), ([0, 2, 1, 4], 1)] {
        check(|columns| columns.row_offsets = offsets.to_vec(), CandidatesError::RowBounds { index });
    }
    check(|columns| columns.row_offsets = vec![0, u32::MAX, 2, 4], CandidatesError::RowBounds { index: 0 });
}

#[test]
fn a_row_has_a_limit() {
    let longest: Vec<(u32, i8)> = (0..u32::try_from(ROW_ENTRIES_MAX).unwrap()).map(|to| (to, 1)).collect();
    let longer: Vec<(u32, i8)> = (0..).zip(vec![1; ROW_ENTRIES_MAX + 1]).collect();
    let with = |row: &[(u32, i8)]| {
        let mut rows: Vec<Row<'_>> = vec![&[]; ROW_ENTRIES_MAX + 1];
        rows[7] = row;
        let mut set = columns(&rows);
        set.popularity = vec![1.0; rows.len()];
        Candidates::new(set).map(|candidates| candidates.rows())
    };
    assert_eq!(with(&longest), Ok(1));
    assert_eq!(with(&longer), Err(CandidatesError::RowBounds { index: 7 }));
}

#[test]
fn row_entries_rise_and_stay_in_the_set() {
    let entries = [
        (vec![2, 1, 0, 2], 1),
        (vec![1, 1, 0, 2], 1),
        (vec![1, 2, 0, 3], 3),
        (vec![1, 2, 0, u32::MAX], 3),
        (vec![1, 3, 0, 2], 1),
    ];
    for (indexes, entry) in entries {
        check(|columns| columns.row_indexes = indexes.clone().into(), CandidatesError::RowEntry { entry });
    }
}

#[test]
fn scales_stay_in_range() {
    for scale in [-40, 40] {
        let mut columns = sound();
        columns.row_scales_log2[2] = scale;
        assert!(Candidates::new(columns).is_ok());
    }
    for scale in [i8::MIN, -41, 41, i8::MAX] {
        check(|columns| columns.row_scales_log2[2] = scale, CandidatesError::RowScale { index: 2 });
    }
}

#[test]
fn a_set_that_nobody_watches_is_ordered_by_id() {
    let mut set = plain(4);
    set.popularity = vec![0.0; 4];
    let answer = crate::sets::ask(&set, &crate::sets::request(&[], 4));
    assert_eq!(crate::sets::titles(&answer), [10, 20, 30, 40]);
    assert!(answer.picks.iter().all(|pick| pick.score == -1.0));
}

#[test]
fn refusals_are_told_in_words() {
    let refusals = [
        (CandidatesError::Empty, "there is no title"),
        (CandidatesError::TooManyTitles { titles: 9 }, "9 titles are more than 1048576"),
        (CandidatesError::Length { column: "year" }, "column year is not as long as title_id"),
        (CandidatesError::IdsNotRising { index: 2 }, "title_id 2 is not above the one before it"),
        (CandidatesError::Popularity { index: 2 }, "popularity 2 is negative or not finite"),
        (CandidatesError::Trend { index: 2 }, "trend 2 is negative or not finite"),
        (CandidatesError::RowBounds { index: 2 }, "row 2 ends where it cannot"),
        (CandidatesError::RowEntry { entry: 2 }, "row entry 2 is outside the set or does not rise"),
        (CandidatesError::RowScale { index: 2 }, "row 2 has a scale out of range"),
    ];
    for (refusal, text) in refusals {
        assert_eq!(refusal.to_string(), text);
    }
}
