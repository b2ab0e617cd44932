//! Trends and new titles in a viewer's list: on one scale, each with a place of its worth.

use ranking::{
    Answer, Candidates, Columns, HomeRequest, ModelError, Models, Reason, Request, Rules, Shortlist, Slate,
    SlateSettings, home, recommend,
};

use crate::sets::{columns, request, titles};

/// 10 leads to 20, 30 and 40; 30 and 50 are trends.
fn set() -> Columns {
    let mut set = columns(&[&[(1, 4), (2, 2), (3, 1)], &[], &[], &[], &[], &[]]);
    set.trends = Some(vec![0.0, 0.0, 3.0, 0.0, 1.0, 0.0]);
    set
}

fn shares(trending_share: f32, new_share: f32, ranker_pool: u32) -> Rules {
    let slate = SlateSettings { trending_share, new_share, ..SlateSettings::default() };
    Rules::new(5.0, 30, ranker_pool).unwrap().with_slate(Slate::new(slate).unwrap())
}

fn ask(set: &Columns, rules: &Rules, question: &Request) -> Answer {
    recommend(&Candidates::new(set.clone()).unwrap(), rules, question, Some(&mut Rising)).unwrap()
}

/// Puts a pool the other way round: logits 0, 1, 2 and so on.
struct Rising;

impl Models for Rising {
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        Ok((0_u16..).take(shortlist.items.len()).map(f32::from).collect())
    }

    fn encode(&mut self, _: &[u32]) -> Result<Vec<f32>, ModelError> {
        panic!("these candidates have no vectors")
    }
}

fn check(answer: &Answer, expected: &[(u32, f64, Reason)]) {
    assert_eq!(answer.picks.len(), expected.len(), "{answer:?}");
    for (pick, &(title, chance, reason)) in answer.picks.iter().zip(expected) {
        assert_eq!((pick.title, pick.reason), (title, reason), "{answer:?}");
        assert!((f64::from(pick.score) - chance.ln()).abs() < 1e-5, "{title}: {} of {chance}", pick.score);
    }
}

#[test]
fn a_score_is_the_logarithm_of_a_mixture_of_chances() {
    let watched = Reason::BecauseYouWatched(10);
    // 0.7 · 4/7 + 0.1/5, 0.7 · 2/7 + 0.2 · 3/4 + 0.1/5, …: five titles may be shown, so that is how many are new.
    let expected = [
        (20, 0.42, watched),
        (30, 0.37, watched),
        (40, 0.12, watched),
        (50, 0.07, Reason::Trending),
        (60, 0.02, Reason::New),
    ];
    check(&ask(&set(), &shares(0.2, 0.1, 0), &request(&[10], 5)), &expected);
}

#[test]
fn logits_of_a_ranker_are_chances_too() {
    let answer = ask(&set(), &shares(0.4, 0.0, 3), &request(&[10], 4));
    let total = 1.0 + 1_f64.exp() + 2_f64.exp();
    let watched = Reason::BecauseYouWatched(10);
    let mut expected = [
        (40, 0.6 * 2_f64.exp() / total, watched),
        // The ranker saw it in the middle; three quarters of the trends are its.
        (30, 0.6 * 1_f64.exp() / total + 0.3, Reason::Trending),
        (50, 0.1, Reason::Trending),
        (20, 0.6 / total, watched),
    ];
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    check(&answer, &expected);
    assert!(answer.ranked);
}

#[test]
fn what_fills_a_list_up_stays_behind() {
    let answer = ask(&set(), &shares(0.2, 0.0, 0), &request(&[10], 5));
    let last = answer.picks.last().unwrap();
    assert_eq!((last.title, last.reason), (60, Reason::PopularToFill));
    assert!(answer.picks.windows(2).all(|pair| pair[0].score > pair[1].score), "{answer:?}");
}

#[test]
fn of_an_unknown_viewer_popularity_is_the_chance() {
    let mut set = set();
    set.popularity = vec![50.0, 25.0, 12.0, 6.0, 4.0, 3.0];
    let mut expected: [(u32, f64, Reason); 4] = [
        (10, 0.3, Reason::PopularForNewViewer),
        (30, 0.6 * 0.12 + 0.3, Reason::Trending),
        (20, 0.15, Reason::PopularForNewViewer),
        (50, 0.6 * 0.04 + 0.1, Reason::Trending),
    ];
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    check(&ask(&set, &shares(0.4, 0.0, 0), &request(&[], 4)), &expected);
}

#[test]
fn filters_hold_for_what_is_mixed_in() {
    let mut set = set();
    set.maturity_years[4] = 18;
    let mut question = request(&[10], 6);
    question.maturity_max_years = 12;
    question.exclude = vec![60];
    assert_eq!(titles(&ask(&set, &shares(0.4, 0.4, 0), &question)), [30, 20, 40]);
}

#[test]
fn without_trends_their_share_goes_to_nobody_and_the_order_stays() {
    let set = Columns { trends: None, ..set() };
    let answer = ask(&set, &shares(0.4, 0.0, 0), &request(&[10], 5));
    assert_eq!(titles(&answer), [20, 30, 40, 50, 60]);
}

#[test]
fn a_page_keeps_its_own_rows() {
    let candidates = Candidates::new(set()).unwrap();
    let asked = HomeRequest { request: request(&[10], 3), in_progress: Vec::new() };
    let page = |rules: &Rules| home(&candidates, rules, &asked, None).unwrap();
    assert_eq!(page(&shares(0.4, 0.4, 0)), page(&shares(0.0, 0.0, 0)));
}

#[test]
fn shares_out_of_range_are_refused_by_name() {
    let code = |trending_share, new_share| {
        let slate = SlateSettings { trending_share, new_share, ..SlateSettings::default() };
        Slate::new(slate).map(drop).map_err(|error| error.rule)
    };
    assert_eq!(code(0.4, 0.4), Ok(()));
    for share in [-0.1, 0.41, f32::NAN, f32::INFINITY] {
        assert_eq!(code(share, 0.0), Err("trending-share"));
        assert_eq!(code(0.0, share), Err("new-share"));
    }
}
