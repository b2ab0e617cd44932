//! Why a title was picked.

use ranking::{Candidates, Columns, Reason, Rules, TitleId, recommend};

use crate::sets::{ask, columns, request};

/// 10 leads to 30 and 40, 20 leads to 40 more strongly; 50 is popular only.
fn set() -> Columns {
    columns(&[&[(2, 3), (3, 3)], &[(3, 9)], &[], &[], &[]])
}

fn reasons(history: &[TitleId], exclude: &[TitleId]) -> Vec<(TitleId, Reason)> {
    let mut question = request(history, 10);
    question.exclude = exclude.to_vec();
    ask(&set(), &question).picks.iter().map(|pick| (pick.title, pick.reason)).collect()
}

#[test]
fn a_new_viewer_gets_what_the_region_watches() {
    let popular = [10, 20, 30, 40, 50].map(|title| (title, Reason::PopularForNewViewer));
    assert_eq!(reasons(&[], &[]), popular);
}

#[test]
fn a_history_that_leads_nowhere_is_said_to() {
    let popular = |titles: &[TitleId]| -> Vec<_> {
        titles.iter().map(|&title| (title, Reason::PopularWithoutMatch)).collect()
    };
    assert_eq!(reasons(&[50], &[]), popular(&[10, 20, 30, 40]));
    assert_eq!(reasons(&[77_777], &[]), popular(&[10, 20, 30, 40, 50]));
    // It leads to excluded titles only.
    assert_eq!(reasons(&[20], &[40]), popular(&[10, 30, 50]));
}

#[test]
fn the_watched_title_that_gave_most_is_named_and_the_rest_is_filled() {
    let expected = [
        (40, Reason::BecauseYouWatched(20)),
        (30, Reason::BecauseYouWatched(10)),
        (50, Reason::PopularToFill),
    ];
    assert_eq!(reasons(&[10, 20], &[]), expected);
    // Watched later, 10 gives 3 and 20 gives 9·5/6 = 7.5.
    assert_eq!(reasons(&[20, 10], &[]), expected);
    // Much later, 20 gives 9·5/16 = 2.8.
    let late = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10];
    assert_eq!(reasons(&late, &[])[0], (40, Reason::BecauseYouWatched(10)));
}

#[test]
fn of_equal_gifts_the_newest_is_named() {
    let candidates = Candidates::new(columns(&[&[(2, 4)], &[(2, 4)], &[]])).unwrap();
    // So flat that age makes no difference in f32.
    let flat = Rules::new(f32::MAX, 30, 0).unwrap();
    for (history, newest) in [([10, 20], 20), ([20, 10], 10)] {
        let answer = recommend(&candidates, &flat, &request(&history, 1), None).unwrap();
        assert_eq!(answer.picks[0].reason, Reason::BecauseYouWatched(newest));
    }
}

#[test]
fn a_title_that_rows_push_down_is_not_personal() {
    let set = columns(&[&[(1, -5)], &[], &[]]);
    let answer = ask(&set, &request(&[10], 10));
    let picks: Vec<_> = answer.picks.iter().map(|pick| (pick.title, pick.reason)).collect();
    assert_eq!(picks, [(20, Reason::PopularWithoutMatch), (30, Reason::PopularWithoutMatch)]);
}
