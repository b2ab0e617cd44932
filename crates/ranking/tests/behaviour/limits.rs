//! Questions at and beyond their limits.

use ranking::limits::{HISTORY_MAX, HISTORY_WINDOW_MAX, K_MAX, RANKER_POOL_MAX};
use ranking::{Candidates, Error, Request, Rules, RulesError, recommend};

use crate::sets::{columns, plain, request, rules};

fn check(question: &Request, expected: Result<usize, &Error>) {
    let candidates = Candidates::new(plain(150)).unwrap();
    let answer = recommend(&candidates, &rules(), question, None);
    assert_eq!(answer.as_ref().map(|answer| answer.picks.len()), expected);
}

#[test]
fn k_is_1_to_100() {
    check(&request(&[], 0), Err(&Error::KOutOfRange { k: 0 }));
    check(&request(&[], 1), Ok(1));
    check(&request(&[], K_MAX), Ok(100));
    check(&request(&[], K_MAX + 1), Err(&Error::KOutOfRange { k: 101 }));
    check(&request(&[], u32::MAX), Err(&Error::KOutOfRange { k: u32::MAX }));
}

#[test]
fn a_history_has_at_most_10_000_titles() {
    for length in [0, 1, 5, 200, HISTORY_MAX] {
        check(&request(&vec![10; length], 3), Ok(3));
    }
    let too_long = Error::HistoryTooLong { titles: 10_001 };
    check(&request(&vec![10; HISTORY_MAX + 1], 3), Err(&too_long));
}

#[test]
fn only_the_newest_of_a_history_count() {
    let candidates = Candidates::new(columns(&[&[(2, 1)], &[], &[], &[]])).unwrap();
    let window = Rules::new(1e6, 3, 0).unwrap();
    let score =
        |history: &[u32]| recommend(&candidates, &window, &request(history, 1), None).unwrap().picks[0].score;
    // Watched twice within the window, and once again just outside it.
    let twice = score(&[10, 10, 20]);
    assert!((twice - 2.0).abs() < 1e-4, "{twice}");
    assert_eq!(score(&[10, 10, 10, 20]), twice);
    assert!(score(&[10, 20, 20, 20]) <= 0.0);
}

#[test]
fn errors_have_stable_codes() {
    let errors = [
        (Error::KOutOfRange { k: 0 }, "k-out-of-range", "k is 0, not 1 to 100"),
        (
            Error::HistoryTooLong { titles: 10_001 },
            "history-too-long",
            "10001 watched titles are more than 10000",
        ),
        (Error::TooManyPairs { pairs: 7 }, "too-many-pairs", "7 pairs are too many"),
        (
            Error::InProgressTooLong { titles: 1_001 },
            "in-progress-too-long",
            "1001 titles in progress are more than 1000",
        ),
        (
            Error::Share { index: 2 },
            "share-out-of-range",
            "the share of title 2 in progress is not from 0 to 1",
        ),
        (Error::Inference { code: "failed".into() }, "inference", "a model failed: failed"),
    ];
    for (error, code, text) in errors {
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }
}

#[test]
fn rules_stay_in_their_ranges() {
    let check = |tau: f32, window: u32, pool: u32, rule: Option<&str>| {
        let refused = Rules::new(tau, window, pool).err();
        assert_eq!(refused.map(|RulesError { rule }| rule), rule, "{tau} {window} {pool}");
    };
    check(f32::MIN_POSITIVE, 1, 0, None);
    check(f32::MAX, HISTORY_WINDOW_MAX, RANKER_POOL_MAX, None);
    for tau in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY] {
        check(tau, 30, 0, Some("recency-tau"));
    }
    check(5.0, 0, 0, Some("history-window"));
    check(5.0, HISTORY_WINDOW_MAX + 1, 0, Some("history-window"));
    check(5.0, 30, RANKER_POOL_MAX + 1, Some("ranker-pool"));
}

#[test]
fn the_steepest_recency_leaves_the_newest_title_alone() {
    let rules = Rules::new(f32::MIN_POSITIVE, 200, 0).unwrap();
    assert_eq!(rules.recency_weight(0), 1.0);
    assert!((1..200).all(|age| rules.recency_weight(age) <= f32::MIN_POSITIVE));
}
