//! The edge cases by name: of a list and of a page, laid out and plain.

use ranking::{
    Answer, Candidates, Columns, HomeRequest, ModelError, Models, Page, Pin, Request, Rules, Slate,
    SlateSettings, TitleId, home, recommend,
};

use crate::sets::{Row, columns, plain, request, titles};

/// Everything at once: variety, a cap, pinned, promoted, explored.
fn laid_out() -> Rules {
    let settings = SlateSettings {
        lambda: 0.6,
        trending_share: 0.1,
        new_share: 0.05,
        genre_picks_max: 3,
        promoted_max: 1,
        exploration_place: 4,
        pinned: vec![Pin { place: 2, title: 20 }],
        promoted: vec![30, 77_777],
    };
    rules(0).with_slate(Slate::new(settings).unwrap())
}

fn rules(ranker_pool: u32) -> Rules {
    Rules::new(5.0, 200, ranker_pool).unwrap()
}

/// A list and a page under both layouts; what holds for all of them is checked here.
fn ask(set: &Columns, question: &Request) -> [(Answer, Page); 2] {
    let candidates = Candidates::new(set.clone()).unwrap();
    let asked = HomeRequest { request: question.clone(), in_progress: Vec::new() };
    [rules(0), laid_out()].map(|rules| {
        let list = recommend(&candidates, &rules, question, None).unwrap();
        let page = home(&candidates, &rules, &asked, None).unwrap();
        assert_eq!(list.picks.len(), (question.k.min(list.eligible)) as usize);
        assert_eq!((page.eligible, page.ranked), (list.eligible, list.ranked));
        for pick in list.picks.iter().chain(page.rows.iter().flat_map(|row| &row.picks)) {
            assert!(!question.history.contains(&pick.title) && pick.score.is_finite(), "{pick:?}");
        }
        (list, page)
    })
}

/// 600 titles that lead to their three neighbours.
fn many() -> Columns {
    let row = |index: u32| -> Vec<(u32, i8)> {
        let mut to: Vec<u32> = (1..=3).map(|step| (index + step) % 600).collect();
        to.sort_unstable();
        to.into_iter().map(|to| (to, 50)).collect()
    };
    let rows: Vec<Vec<(u32, i8)>> = (0..600).map(row).collect();
    let rows: Vec<Row<'_>> = rows.iter().map(Vec::as_slice).collect();
    let mut set = columns(&rows);
    set.genres = (0..600).map(|index| 1 << (index % 7)).collect();
    set
}

fn history(titles: u32) -> Vec<TitleId> {
    (1..=titles).map(|number| number * 10).collect()
}

#[test]
fn a_history_of_0_1_5_200_and_500_titles() {
    for length in [0, 1, 5, 200, 500] {
        for (list, page) in ask(&many(), &Request { seed: Some(1), ..request(&history(length), 10) }) {
            assert_eq!((list.picks.len(), list.eligible), (10, 600 - length));
            assert!(page.rows.len() >= 2, "{length}: {page:?}");
        }
    }
}

#[test]
fn no_candidates_one_and_two() {
    for count in [0, 1, 2] {
        let mut set = plain(3);
        (count..3).for_each(|index| set.window_until_s[index] = 0);
        for (list, page) in ask(&set, &Request { seed: Some(1), ..request(&[], 10) }) {
            assert_eq!(list.picks.len(), count);
            assert_eq!(page.rows.iter().map(|row| row.picks.len()).sum::<usize>(), count);
        }
    }
}

#[test]
fn a_viewer_who_has_seen_everything() {
    for (list, page) in ask(&many(), &request(&history(600), 10)) {
        assert!(list.picks.is_empty() && page.rows.is_empty());
        assert_eq!(list.eligible, 0);
    }
    // What was begun again is all there is.
    let candidates = Candidates::new(many()).unwrap();
    let progress = ranking::Progress { title: 70, share: 0.4 };
    let asked = HomeRequest { request: request(&history(600), 10), in_progress: vec![progress] };
    let page = home(&candidates, &laid_out(), &asked, None).unwrap();
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].picks[0].title, 70);
}

#[test]
fn ids_that_the_release_does_not_know() {
    let strange = Request { exclude: vec![5, u32::MAX], ..request(&[1, 2, 3, 4_294_967_295], 5) };
    let [known, strange] = [request(&[], 5), strange].map(|question| ask(&many(), &question));
    for ((known, _), (strange, page)) in known.iter().zip(&strange) {
        assert_eq!(titles(known), titles(strange));
        assert_eq!(page.rows[0].picks.len(), 5);
    }
}

#[test]
fn ties_go_to_the_lower_id_laid_out_or_not() {
    let mut set = plain(8);
    set.popularity = vec![1.0; 8];
    let [(plain, _), (laid, page)] = ask(&set, &request(&[], 5));
    assert_eq!(titles(&plain), [10, 20, 30, 40, 50]);
    // 30 is promoted and 20 pinned; the others follow by id.
    assert_eq!(titles(&laid), [30, 20, 10, 40, 50]);
    assert_eq!(page.rows[1].picks.iter().map(|pick| pick.title).collect::<Vec<_>>(), [60, 70, 80]);
}

/// Says the same of every candidate, or the extremes.
struct Saturated(fn(usize) -> f32);

impl Models for Saturated {
    fn score(&mut self, shortlist: &ranking::Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        Ok((0..shortlist.items.len()).map(self.0).collect())
    }

    fn encode(&mut self, _: &[u32]) -> Result<Vec<f32>, ModelError> {
        panic!("these candidates have no vectors")
    }
}

#[test]
fn saturated_scores_are_ranked_by_their_logits() {
    // A sigmoid would make all of these 1; logits still differ, to the ends of f32.
    let logits: [fn(usize) -> f32; 4] =
        [|_| 100.0, |at| 100.0 + at as f32, |at| if at % 2 == 0 { f32::MAX } else { f32::MIN }, |_| f32::MIN];
    let candidates = Candidates::new(many()).unwrap();
    let slate = SlateSettings { lambda: 0.99, ..SlateSettings::default() };
    for (number, logits) in logits.into_iter().enumerate() {
        for rules in [rules(9), rules(9).with_slate(Slate::new(slate.clone()).unwrap())] {
            let question = request(&[10, 50, 90], 5);
            let answer = recommend(&candidates, &rules, &question, Some(&mut Saturated(logits))).unwrap();
            assert!(answer.ranked && answer.picks.iter().all(|pick| pick.score.is_finite()));
            let highest = answer.picks.iter().map(|pick| pick.score).fold(f32::MIN, f32::max);
            assert_eq!(answer.picks[0].score, highest, "{number}");
            let expected = [100.0, 108.0, f32::MAX, f32::MIN][number];
            assert_eq!(highest, expected);
        }
    }
}
