//! Windows, maturity, excludes and histories.

use crate::sets::{ask, columns, plain, request, titles};

#[test]
fn a_window_opens_at_its_first_second_and_closes_at_its_last() {
    let mut set = plain(1);
    set.window_from_s = vec![100];
    set.window_until_s = vec![200];
    let shown_at = |at_unix_ms: u64| {
        let mut question = request(&[], 10);
        question.at_unix_ms = at_unix_ms;
        !ask(&set, &question).picks.is_empty()
    };
    assert!(!shown_at(0));
    assert!(!shown_at(99_999));
    assert!(shown_at(100_000));
    assert!(shown_at(199_999));
    assert!(!shown_at(200_000));
    assert!(!shown_at(u64::MAX));
}

#[test]
fn a_title_without_a_licence_is_never_shown_but_leads_to_others() {
    let mut set = columns(&[&[(1, 5)], &[], &[]]);
    (set.window_from_s[0], set.window_until_s[0]) = (0, 0);
    assert_eq!(titles(&ask(&set, &request(&[], 10))), [20, 30]);
    let answer = ask(&set, &request(&[10], 10));
    assert_eq!(titles(&answer), [20, 30]);
    assert_eq!(answer.picks[0].score, 5.0);
}

#[test]
fn a_window_that_ends_before_it_begins_is_never_open() {
    let mut set = plain(1);
    (set.window_from_s[0], set.window_until_s[0]) = (6_000, 4_000);
    assert!(ask(&set, &request(&[], 10)).picks.is_empty());
}

#[test]
fn maturity_is_a_bound_that_may_be_reached() {
    let mut set = plain(4);
    set.maturity_years = vec![0, 12, 13, 18];
    let mut question = request(&[], 10);
    for (years, expected) in [(0, &[10][..]), (12, &[10, 20]), (13, &[10, 20, 30]), (18, &[10, 20, 30, 40])] {
        question.maturity_max_years = years;
        assert_eq!(titles(&ask(&set, &question)), expected, "{years} years");
    }
}

#[test]
fn a_watched_title_is_left_out_however_long_ago() {
    // Far beyond the 30 titles that count for the scores.
    let mut history = vec![10];
    history.extend([99_999; 500]);
    assert_eq!(titles(&ask(&plain(3), &request(&history, 10))), [20, 30]);
}

#[test]
fn excludes_may_repeat_be_unknown_and_be_many() {
    let mut question = request(&[], 10);
    question.exclude = (0..100_000).filter(|id| *id != 20).chain([30, 30]).collect();
    assert_eq!(titles(&ask(&plain(3), &question)), [20]);
}

#[test]
fn ids_nobody_knows_are_skipped_but_count_as_age() {
    let set = columns(&[&[(2, 8)], &[], &[]]);
    let now = ask(&set, &request(&[10], 1)).picks[0].score;
    let later = ask(&set, &request(&[10, 7, u32::MAX, 0], 1)).picks[0].score;
    assert_eq!(now, 8.0);
    assert_eq!(later, 8.0 * (5.0 / (5.0 + 3.0)));
}

#[test]
fn nothing_is_picked_when_nothing_passes() {
    let answer = ask(&plain(2), &request(&[10, 20], 10));
    assert!(answer.picks.is_empty());
    assert_eq!(answer.eligible, 0);
}

#[test]
fn eligible_counts_what_passes_not_what_is_picked() {
    assert_eq!(ask(&plain(9), &request(&[10], 2)).eligible, 8);
}
