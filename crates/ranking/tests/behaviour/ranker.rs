//! A ranker reorders the best; what it may not do.

use quickcheck::quickcheck;
use ranking::features::COLUMNS;
use ranking::{Answer, Candidates, Error, ModelError, Models, Request, Rules, Shortlist, Vectors};
use ranking::{pool as pool_of, recommend};

use crate::oracle::everything;
use crate::scenario::Scenario;
use crate::sets::{Row, columns, plain, request, titles};

/// Answers by a function and keeps what it was asked.
struct Scripted<F> {
    answer: F,
    asked_rows: Vec<usize>,
}

impl<F: FnMut(usize) -> Result<Vec<f32>, ModelError>> Models for Scripted<F> {
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        let Shortlist { viewer, items, features } = *shortlist;
        assert_eq!((viewer.len(), features.len()), (0, items.len() * COLUMNS));
        assert!(features.iter().all(|feature| feature.is_finite()));
        assert!(items.iter().all(|&item| item == Vectors::UNKNOWN), "these candidates have no vectors");
        self.asked_rows.push(items.len());
        (self.answer)(items.len())
    }

    fn encode(&mut self, _: &[u32]) -> Result<Vec<f32>, ModelError> {
        panic!("these candidates have no vectors")
    }
}

fn scripted<F: FnMut(usize) -> Result<Vec<f32>, ModelError>>(answer: F) -> Scripted<F> {
    Scripted { answer, asked_rows: Vec::new() }
}

/// 10 leads to every other title, less and less; of twelve.
fn candidates() -> Candidates {
    let row: Vec<(u32, i8)> = (1..9).zip((1..100).rev().step_by(10)).collect();
    let mut rows: Vec<Row<'_>> = vec![&[]; 12];
    rows[0] = &row;
    Candidates::new(columns(&rows)).unwrap()
}

fn pool(ranker_pool: u32) -> Rules {
    Rules::new(5.0, 30, ranker_pool).unwrap()
}

fn ask(ranker: &mut dyn Models, rules: &Rules, question: &Request) -> Result<Answer, Error> {
    recommend(&candidates(), rules, question, Some(ranker))
}

fn rising(rows: usize) -> Vec<f32> {
    (0_u16..).take(rows).map(f32::from).collect()
}

#[test]
fn the_pool_is_put_in_the_rankers_order() {
    let mut ranker = scripted(|rows| Ok(rising(rows)));
    let answer = ask(&mut ranker, &pool(5), &request(&[10], 5)).unwrap();
    assert_eq!(titles(&answer), [60, 50, 40, 30, 20]);
    assert!(answer.ranked);
    assert_eq!(ranker.asked_rows, [5]);
}

#[test]
fn a_trainer_is_told_what_a_ranker_would_be_asked() {
    let question = request(&[10], 1);
    let mut nobody = scripted(|_| panic!("no ranker is asked"));
    let told = pool_of(&candidates(), &pool(5), &question, &mut nobody).unwrap().unwrap();
    assert_eq!(told.titles, [20, 30, 40, 50, 60]);
    let mut asked = Vec::new();
    let mut ranker = Heard(&mut asked);
    ask(&mut ranker, &pool(5), &question).unwrap();
    assert_eq!(told.features, asked);
    assert_eq!((told.viewer.len(), told.items), (0, vec![Vectors::UNKNOWN; 5]));
    // Where nothing personal is known, or the rules say no pool, nobody would be asked.
    let none = |rules: &Rules, history: &[u32]| {
        let mut nobody = scripted(|_| panic!("no ranker is asked"));
        pool_of(&candidates(), rules, &request(history, 1), &mut nobody).unwrap().is_none()
    };
    assert!(none(&pool(5), &[]) && none(&pool(0), &[10]));
}

/// Keeps the features it was asked about.
struct Heard<'a>(&'a mut Vec<f32>);

impl Models for Heard<'_> {
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        *self.0 = shortlist.features.to_vec();
        Ok(rising(shortlist.items.len()))
    }

    fn encode(&mut self, _: &[u32]) -> Result<Vec<f32>, ModelError> {
        panic!("these candidates have no vectors")
    }
}

#[test]
fn what_the_ranker_lifts_from_below_k_is_picked() {
    let mut ranker = scripted(|rows| Ok(rising(rows)));
    let answer = ask(&mut ranker, &pool(8), &request(&[10], 2)).unwrap();
    assert_eq!(titles(&answer), [90, 80]);
    assert_eq!(answer.picks[0].score, 7.0);
}

#[test]
fn what_is_beyond_the_pool_stays_behind_in_its_order() {
    for logit in [-1e30, -3.5, 0.0, 1e9, f32::MAX] {
        let mut ranker = scripted(|rows| Ok(vec![logit; rows]));
        let answer = ask(&mut ranker, &pool(3), &request(&[10], 11)).unwrap();
        assert_eq!(titles(&answer)[..3], [20, 30, 40]);
        let scores: Vec<f32> = answer.picks.iter().map(|pick| pick.score).collect();
        assert!(scores[3..].iter().all(|score| score.is_finite() && *score < logit), "{scores:?}");
        assert_falling(&answer);
    }
    let mut ranker = scripted(|rows| Ok(rising(rows)));
    let answer = ask(&mut ranker, &pool(3), &request(&[10], 11)).unwrap();
    assert_eq!(titles(&answer), [40, 30, 20, 50, 60, 70, 80, 90, 100, 110, 120]);
    assert_falling(&answer);
}

fn assert_falling(answer: &Answer) {
    let falls = answer.picks.windows(2).all(|pair| {
        pair[0].score > pair[1].score || (pair[0].score == pair[1].score && pair[0].title < pair[1].title)
    });
    assert!(falls, "{answer:?}");
}

#[test]
fn equal_logits_go_to_the_lower_id() {
    let mut ranker = scripted(|rows| Ok(vec![0.5; rows]));
    let answer = ask(&mut ranker, &pool(11), &request(&[10], 11)).unwrap();
    assert_eq!(titles(&answer), [20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]);
}

#[test]
fn nobody_is_asked_about_a_viewer_of_whom_nothing_is_known() {
    for history in [&[][..], &[90], &[77_777]] {
        let mut ranker = scripted(|rows| Ok(rising(rows)));
        let answer = ask(&mut ranker, &pool(5), &request(history, 5)).unwrap();
        assert!(!answer.ranked, "{history:?}");
        assert!(ranker.asked_rows.is_empty());
    }
}

#[test]
fn nobody_is_asked_with_an_empty_pool_or_about_a_refused_question() {
    let mut ranker = scripted(|rows| Ok(rising(rows)));
    assert!(!ask(&mut ranker, &pool(0), &request(&[10], 5)).unwrap().ranked);
    assert!(ask(&mut ranker, &pool(5), &request(&[10], 0)).is_err());
    assert!(ranker.asked_rows.is_empty());
}

#[test]
fn the_pool_is_as_large_as_what_passes_at_most() {
    let mut ranker = scripted(|rows| Ok(rising(rows)));
    ask(&mut ranker, &pool(200), &request(&[10], 1)).unwrap();
    assert_eq!(ranker.asked_rows, [11]);
}

#[test]
fn a_rankers_error_is_passed_on() {
    let mut ranker = scripted(|_| Err(ModelError { code: "too-many-rows".to_owned() }));
    let error = ask(&mut ranker, &pool(5), &request(&[10], 5)).unwrap_err();
    assert_eq!(error, Error::Inference { code: "too-many-rows".to_owned() });
}

#[test]
fn logits_that_make_no_sense_are_refused() {
    let nonsense: [fn(usize) -> Vec<f32>; 6] = [
        |_| Vec::new(),
        |rows| rising(rows - 1),
        |rows| rising(rows + 1),
        |rows| vec![f32::NAN; rows],
        |rows| [vec![f32::INFINITY], rising(rows - 1)].concat(),
        |rows| [rising(rows - 1), vec![f32::NEG_INFINITY]].concat(),
    ];
    for logits in nonsense {
        let mut ranker = scripted(|rows| Ok(logits(rows)));
        let error = ask(&mut ranker, &pool(5), &request(&[10], 5)).unwrap_err();
        assert_eq!(error, Error::Inference { code: "nonsense-logits".to_owned() });
    }
}

#[test]
fn a_ranker_is_not_asked_when_all_is_filtered() {
    let candidates = Candidates::new(plain(2)).unwrap();
    let mut ranker = scripted(|rows| Ok(rising(rows)));
    let answer = recommend(&candidates, &pool(5), &request(&[10, 20], 5), Some(&mut ranker)).unwrap();
    assert!(answer.picks.is_empty());
    assert!(ranker.asked_rows.is_empty());
}

quickcheck! {
    fn a_ranked_answer_is_the_pool_by_logit_and_then_the_rest(scenario: Scenario, ranker_pool: u8) -> bool {
        let rules = scenario.rules(u32::from(ranker_pool % 12));
        let mut expected = everything(&scenario, &rules);
        let asks = rules.ranker_pool() > 0 && expected.first().is_some_and(|pick| pick.score > 0.0);
        let pool = if asks { rules.ranker_pool().min(expected.len()) } else { 0 };
        // The last of the pool becomes its first.
        expected[..pool].reverse();
        expected.truncate(scenario.request.k as usize);

        let candidates = Candidates::new(scenario.columns.clone()).unwrap();
        let mut ranker = scripted(|rows| Ok(rising(rows)));
        let answer = recommend(&candidates, &rules, &scenario.request, Some(&mut ranker)).unwrap();
        let wanted: Vec<_> = expected.iter().map(|pick| (pick.title, pick.reason)).collect();
        let picked: Vec<_> = answer.picks.iter().map(|pick| (pick.title, pick.reason)).collect();
        assert_falling(&answer);
        (picked == wanted) && answer.ranked == asks
    }
}
