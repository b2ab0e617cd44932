//! A page of rows.

use std::collections::BTreeSet;

use quickcheck::quickcheck;
use ranking::limits::{IN_PROGRESS_MAX, PAGE_ROWS_MAX};
use ranking::{
    Candidates, Columns, Error, HomeRequest, Page, Progress, Reason, Request, SlateSettings, TitleId, home,
    recommend,
};

use crate::sets::{columns, plain, request, rules};
use crate::slate::LaidOut;

/// What a row is for, and its titles.
type Told = (Reason, Vec<TitleId>);

fn told(page: &Page) -> Vec<Told> {
    page.rows.iter().map(|row| (row.reason, row.picks.iter().map(|pick| pick.title).collect())).collect()
}

fn ask(set: &Columns, asked: &HomeRequest) -> Page {
    home(&Candidates::new(set.clone()).unwrap(), &rules(), asked, None).unwrap()
}

fn begun(history: &[TitleId], k: u32, in_progress: &[(TitleId, f32)]) -> HomeRequest {
    let progress = |&(title, share): &(TitleId, f32)| Progress { title, share };
    HomeRequest { request: request(history, k), in_progress: in_progress.iter().map(progress).collect() }
}

/// 10 leads to 30, 40, 50, 60; 20 to 40, 70, 80, 90; 100 and 110 trend; 120 is the newest.
fn set() -> Columns {
    let mut set = columns(&[
        &[(2, 90), (3, 80), (4, 70), (5, 60)],
        &[(3, 50), (6, 40), (7, 30), (8, 20)],
        &[],
        &[],
        &[],
        &[],
        &[],
        &[],
        &[],
        &[],
        &[],
        &[],
    ]);
    let mut trends = vec![0.0; 12];
    (trends[9], trends[10]) = (1.0, 4.0);
    set.trends = Some(trends);
    set.years = (1990..2002).collect();
    set
}

#[test]
fn a_page_has_its_rows_in_order_and_no_title_twice() {
    let page = ask(&set(), &begun(&[20, 10], 2, &[(120, 0.5)]));
    let expected: [Told; 6] = [
        (Reason::ContinueWatching, vec![120]),
        (Reason::PickedForYou, vec![40, 30]),
        (Reason::BecauseYouWatched(10), vec![50, 60]),
        (Reason::BecauseYouWatched(20), vec![70, 80]),
        (Reason::Trending, vec![110, 100]),
        (Reason::New, vec![90]),
    ];
    assert_eq!(told(&page), expected);
    assert_eq!((page.eligible, page.ranked), (9, false));
}

#[test]
fn every_title_of_a_row_says_why_it_is_there() {
    let page = ask(&set(), &begun(&[20, 10], 2, &[(120, 0.5)]));
    assert_eq!(page.rows[1].picks[1].reason, Reason::BecauseYouWatched(10));
    for row in page.rows.iter().filter(|row| row.reason != Reason::PickedForYou) {
        assert!(row.picks.iter().all(|pick| pick.reason == row.reason), "{row:?}");
    }
}

#[test]
fn what_is_in_progress_is_continued_newest_first_unless_it_is_finished_or_may_not_be_shown() {
    let mut set = plain(9);
    (set.window_from_s[4], set.window_until_s[4]) = (0, 0);
    set.maturity_years[5] = 19;
    let mut asked = begun(
        &[30],
        5,
        &[
            (10, 0.2),
            (20, 0.3),
            (30, 0.0),
            (10, 0.9),
            (40, 0.95),
            (50, 0.5),
            (60, 0.5),
            (77_777, 0.5),
            (70, 0.1),
        ],
    );
    asked.request.exclude = vec![70];
    let page = ask(&set, &asked);
    // A watched title that was begun again is continued; none of the others comes back as a recommendation.
    assert_eq!(told(&page)[0], (Reason::ContinueWatching, vec![10, 30, 20]));
    assert_eq!(told(&page)[1], (Reason::PopularWithoutMatch, vec![80, 90]));
    assert_eq!(page.rows.len(), 2);
}

#[test]
fn a_newer_position_counts_for_a_title_that_is_in_progress_twice() {
    assert_eq!(told(&ask(&plain(1), &begun(&[], 5, &[(10, 0.5), (10, 1.0)]))), []);
    let page = ask(&plain(1), &begun(&[], 5, &[(10, 1.0), (10, 0.5)]));
    assert_eq!(told(&page), [(Reason::ContinueWatching, vec![10])]);
}

#[test]
fn a_title_watched_twice_has_one_row() {
    let row: Vec<(u32, i8)> = (1..13).zip(100..).collect();
    let mut rows: Vec<crate::sets::Row<'_>> = vec![&[]; 13];
    rows[0] = &row;
    let page = ask(&columns(&rows), &begun(&[10, 10], 3, &[]));
    let because = |row: &&Told| row.0 == Reason::BecauseYouWatched(10);
    assert_eq!(told(&page).iter().filter(because).count(), 1);
}

#[test]
fn a_watched_title_that_leads_to_little_has_no_row() {
    let set = columns(&[&[(1, 9), (2, 8)], &[], &[], &[], &[], &[]]);
    let rows = |k| told(&ask(&set, &begun(&[10], k, &[]))).len();
    assert_eq!(rows(1), 3, "of one title each");
    assert_eq!(rows(3), 2, "two are picked for the viewer, none is left");
}

#[test]
fn new_is_what_the_region_got_last_by_year_and_licence() {
    let mut set = plain(4);
    set.years = vec![1969, 1980, 1980, 0];
    // Licensed since the year 2001, and shown since then.
    (set.window_from_s[0], set.window_until_s[0]) = (978_307_200, u64::MAX);
    set.window_until_s = vec![u64::MAX; 4];
    let mut asked = begun(&[], 1, &[]);
    asked.request.at_unix_ms = 1_000_000_000_000;
    asked.request.exclude = vec![40];
    let page = ask(&set, &asked);
    assert_eq!(told(&page), [(Reason::PopularForNewViewer, vec![10]), (Reason::New, vec![20])]);
    asked.request.exclude = vec![40, 20, 30];
    set.title_ids[3] = 45;
    let page = ask(&set, &asked);
    assert_eq!(told(&page)[1], (Reason::New, vec![45]));
    assert_eq!(page.rows[1].picks[0].score, 0.0, "nothing is known of its age");
}

#[test]
fn out_of_range_questions_are_refused() {
    let candidates = Candidates::new(plain(3)).unwrap();
    let refused = |asked: &HomeRequest| home(&candidates, &rules(), asked, None).unwrap_err();
    assert_eq!(refused(&begun(&[], 0, &[])), Error::KOutOfRange { k: 0 });
    assert_eq!(refused(&begun(&[], 101, &[])), Error::KOutOfRange { k: 101 });
    assert_eq!(refused(&begun(&[10; 10_001], 1, &[])), Error::HistoryTooLong { titles: 10_001 });
    let many = vec![(10, 0.5); IN_PROGRESS_MAX + 1];
    assert_eq!(refused(&begun(&[], 1, &many)), Error::InProgressTooLong { titles: 1_001 });
    for share in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        assert_eq!(refused(&begun(&[], 1, &[(10, 0.5), (20, share)])), Error::Share { index: 1 });
    }
}

fn page_of(laid: &LaidOut, in_progress: &[(u8, u8)]) -> (HomeRequest, Page) {
    let progress = |&(title, share): &(u8, u8)| Progress {
        title: u32::from(title % 60),
        share: f32::from(share) / 255.0,
    };
    let asked = HomeRequest {
        request: laid.scenario.request.clone(),
        in_progress: in_progress.iter().map(progress).collect(),
    };
    let page = home(&laid.candidates(), &laid.rules(), &asked, None).unwrap();
    (asked, page)
}

quickcheck! {
    fn no_title_is_twice_on_a_page_no_row_is_empty_or_too_long(laid: LaidOut, in_progress: Vec<(u8, u8)>) -> bool {
        let (asked, page) = page_of(&laid, &in_progress);
        let all: Vec<TitleId> = told(&page).into_iter().flat_map(|(_, titles)| titles).collect();
        let each: BTreeSet<TitleId> = all.iter().copied().collect();
        let lengths = 1..=asked.request.k as usize;
        each.len() == all.len()
            && page.rows.len() <= PAGE_ROWS_MAX
            && page.rows.iter().all(|row| lengths.contains(&row.picks.len()))
    }

    fn filters_hold_in_every_row(laid: LaidOut, in_progress: Vec<(u8, u8)>) -> bool {
        let (asked, page) = page_of(&laid, &in_progress);
        let may: BTreeSet<TitleId> = laid.everything().iter().map(|pick| pick.title).collect();
        // What was watched may be continued; nothing else of it may be shown.
        let mut unwatched = laid.clone();
        unwatched.scenario.request.history.clear();
        let open: BTreeSet<TitleId> = unwatched.everything().iter().map(|pick| pick.title).collect();
        let begun = |title: &TitleId| asked.in_progress.iter().any(|progress| progress.title == *title);
        told(&page).iter().all(|(reason, titles)| {
            titles.iter().all(|title| match reason {
                Reason::ContinueWatching => open.contains(title) && begun(title),
                _ => may.contains(title) && !begun(title),
            })
        })
    }

    fn the_top_row_is_the_list_of_recommendations(laid: LaidOut) -> bool {
        // What would be mixed into a list has rows of its own on a page.
        let settings = SlateSettings { trending_share: 0.0, new_share: 0.0, ..laid.settings.clone() };
        let (asked, page) = page_of(&laid, &[]);
        let laid = LaidOut { settings, ..laid };
        let list = recommend(&laid.candidates(), &laid.rules(), &asked.request, None).unwrap();
        let top = page.rows.first().map(|row| row.picks.clone()).unwrap_or_default();
        top == list.picks && page.eligible == list.eligible
    }

    fn a_page_shows_everything_that_a_long_enough_page_can(laid: LaidOut) -> bool {
        let mut laid = laid;
        laid.scenario.request = Request { k: 100, ..laid.scenario.request };
        let (_, page) = page_of(&laid, &[]);
        let shown: usize = page.rows.iter().map(|row| row.picks.len()).sum();
        shown == page.eligible as usize
    }
}
