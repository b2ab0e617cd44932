//! Rows and vectors together, and vectors alone; against sorts of everything.

use kernels::ByteMatrix;
use quickcheck::{Arbitrary, Gen, quickcheck};
use ranking::{
    Answer, Blend, Candidates, Columns, Error, ModelError, Models, Reason, Request, Rules, Scored, Shortlist,
    Slate, SlateSettings, Vectors, nearest, recommend,
};

use crate::sets::{Row, columns, request, titles};

/// Vectors of two whole numbers, which bytes and seven bits hold exactly.
#[derive(Clone, Debug)]
struct Scene {
    vectors: Vec<[i8; 2]>,
    viewer: [i8; 2],
    unknown: usize,
    weight: u8,
}

impl Arbitrary for Scene {
    fn arbitrary(source: &mut Gen) -> Self {
        let number = |source: &mut Gen| i8::arbitrary(source) % 32;
        let titles = 2 + usize::arbitrary(source) % 40;
        Self {
            vectors: (0..titles).map(|_| [number(source), number(source)]).collect(),
            viewer: [number(source), number(source)],
            unknown: usize::arbitrary(source) % titles,
            weight: u8::arbitrary(source) % 4,
        }
    }
}

impl Scene {
    /// Titles 10, 20, …; 10 leads to the next three, one is unknown to the tower.
    fn candidates(&self) -> Candidates {
        let row: Vec<(u32, i8)> = (1..4.min(self.vectors.len() as u32)).zip([90, 60, 30]).collect();
        let mut rows: Vec<Row<'_>> = vec![&[]; self.vectors.len()];
        rows[0] = &row;
        let mut items: Vec<u32> = (0..self.vectors.len() as u32).collect();
        items[self.unknown] = Vectors::UNKNOWN;
        let values: Vec<i8> = self.vectors.as_flattened().to_vec();
        let matrix = ByteMatrix::new(2, &values, vec![1.0; items.len()]).unwrap();
        Candidates::new(Columns { vectors: Some(Vectors { matrix, items }), ..columns(&rows) }).unwrap()
    }

    fn rules(&self) -> Rules {
        let blend = Blend::new(f32::from(self.weight), 0.5).unwrap();
        Rules::new(5.0, 30, 0).unwrap().with_blend(Some(blend))
    }

    fn product(&self, index: usize) -> f32 {
        let [a, b] = self.vectors[index];
        // Whole numbers have no −0.
        f32::from(i16::from(a) * i16::from(self.viewer[0]) + i16::from(b) * i16::from(self.viewer[1]))
    }
}

/// Says the same of every history, and keeps what it was asked.
struct Says {
    vector: Vec<f32>,
    asked: Vec<Vec<u32>>,
}

impl Models for Says {
    fn score(&mut self, _: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        panic!("the rules give the ranker no pool")
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.asked.push(items.to_vec());
        Ok(self.vector.clone())
    }
}

fn says(vector: &[i8]) -> Says {
    Says { vector: vector.iter().copied().map(f32::from).collect(), asked: Vec::new() }
}

#[test]
fn a_view_more_is_a_step_more_but_for_one_in_fifty() {
    let scene = Scene { vectors: vec![[1, 2]; 3], viewer: [1, 0], unknown: 2, weight: 1 };
    // The last title is unknown to the tower.
    let history: Vec<u32> = (0..520).map(|view| [10, 20, 30][view % 3]).collect();
    let mut models = says(&[1, 0]);
    for views in 1..=history.len() {
        ask(&scene, &mut models, &request(&history[..views], 1)).unwrap();
    }
    let known = |views: usize| history[..views].iter().filter(|&&title| title != 30).count();
    assert!(models.asked.iter().zip(1..).all(|(asked, views)| match known(views) {
        known @ 0..=200 => asked.len() == known,
        _ => (151..=200).contains(&asked.len()),
    }));
    let goes_on = |pair: &&[Vec<u32>]| pair[1].starts_with(&pair[0]);
    let anew = models.asked.windows(2).filter(|pair| !goes_on(pair)).count();
    assert_eq!(anew, (known(520) - 200).div_ceil(50));
}

fn ask(scene: &Scene, models: &mut Says, question: &Request) -> Result<Answer, Error> {
    recommend(&scene.candidates(), &scene.rules(), question, Some(models))
}

#[test]
fn lists_are_varied_by_the_directions_of_vectors() {
    // Products with the viewer: 80, 76, 72 and 40, so relevance 1, 0.9, 0.8 and 0. 20 and 30 point the same way, 40
    // and 50 point another way at a right angle to it; no title has a genre.
    let scene = Scene {
        vectors: vec![[1, 1], [20, 0], [19, 0], [0, 18], [0, 10], [0, 0]],
        viewer: [4, 4],
        unknown: 5,
        weight: 0,
    };
    let check = |lambda: f32, expected: [u32; 4]| {
        let slate = Slate::new(SlateSettings { lambda, ..SlateSettings::default() }).unwrap();
        let (rules, mut models) = (scene.rules().with_slate(slate), says(&scene.viewer));
        let answer = recommend(&scene.candidates(), &rules, &request(&[10], 4), Some(&mut models));
        assert_eq!(titles(&answer.unwrap()), expected, "{lambda}");
    };
    check(1.0, [20, 30, 40, 50]);
    // 0.8 · 0.9 − 0.2 is less than 0.8 · 0.8; then 30 is worth 0.52, and 50 −0.2: less than the unknown 60, like nobody.
    check(0.8, [20, 40, 30, 60]);
}

/// Keeps what a ranker is told, and leaves the order.
struct Ranks {
    viewer: Vec<f32>,
    items: Vec<u32>,
}

impl Models for Ranks {
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        (self.viewer, self.items) = (shortlist.viewer.to_vec(), shortlist.items.to_vec());
        Ok((0..shortlist.items.len()).map(|place| -(place as f32)).collect())
    }

    fn encode(&mut self, _: &[u32]) -> Result<Vec<f32>, ModelError> {
        Ok(vec![4.0, 4.0])
    }
}

#[test]
fn a_ranker_is_told_the_viewers_vector_and_the_towers_item_of_each_candidate() {
    let scene = Scene {
        vectors: vec![[1, 1], [20, 0], [19, 0], [0, 18], [0, 10], [0, 0]],
        viewer: [4, 4],
        unknown: 5,
        weight: 0,
    };
    let rules = Rules::new(5.0, 30, 10).unwrap().with_blend(Some(Blend::new(0.0, 0.5).unwrap()));
    let mut ranks = Ranks { viewer: Vec::new(), items: Vec::new() };
    let answer = recommend(&scene.candidates(), &rules, &request(&[10], 5), Some(&mut ranks)).unwrap();
    assert!(answer.ranked);
    assert_eq!(ranks.viewer, [4.0, 4.0]);
    // 60, which the tower does not know, fills the list up.
    assert_eq!(ranks.items, [1, 2, 3, 4, Vectors::UNKNOWN]);
}

quickcheck! {
    fn the_order_is_that_of_blended_scores(scene: Scene) -> bool {
        let mut models = says(&scene.viewer);
        let watched = if scene.unknown == 0 { 20 } else { 10 };
        let answer = ask(&scene, &mut models, &request(&[watched], 100)).unwrap();
        let watched = watched as usize / 10 - 1;
        let blend = scene.rules().blend().unwrap();
        let row = |index: usize| match (watched, index) {
            (0, 1..=3) => [90.0, 60.0, 30.0][index - 1],
            _ => 0.0,
        };
        // What the tower does not know counts by its row of the matrix where a row of another title leads to it.
        let found = (0..scene.vectors.len())
            .filter(|&index| index != watched && (index != scene.unknown || row(index) > 0.0));
        let mut expected: Vec<(f32, u32)> =
            found.map(|index| (blend.score(row(index), scene.product(index)), index as u32 * 10 + 10)).collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let personal = expected.len();
        let got: Vec<(f32, u32)> = answer.picks.iter().map(|pick| (pick.score, pick.title)).collect();
        got[..personal] == expected
            // Where none does it comes last, by popularity.
            && got[personal..].iter().all(|&(_, title)| title == scene.unknown as u32 * 10 + 10)
            && got.windows(2).all(|pair| pair[0].0 >= pair[1].0)
            && models.asked == [vec![watched as u32]]
    }

    fn the_nearest_are_those_of_a_sort(scene: Scene, count: u8) -> bool {
        let question = request(&[20], 1);
        let count = u32::from(count) + 1;
        let viewer = scene.viewer.map(f32::from);
        let found = nearest(&scene.candidates(), &viewer, count, &question).unwrap();
        let known = (0..scene.vectors.len()).filter(|&index| index != scene.unknown && index != 1);
        let mut expected: Vec<Scored> =
            known.map(|index| Scored { title: index as u32 * 10 + 10, score: scene.product(index) }).collect();
        expected.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.title.cmp(&b.title)));
        expected.truncate(count as usize);
        found == expected
    }
}

fn scene() -> Scene {
    Scene { vectors: (0..30).map(|n| [n, 1]).collect(), viewer: [3, 0], unknown: 29, weight: 1 }
}

#[test]
fn reasons_say_what_spoke_for_a_title() {
    let answer = ask(&scene(), &mut says(&[3, 0]), &request(&[10], 100)).unwrap();
    let reason = |title: u32| answer.picks.iter().find(|pick| pick.title == title).unwrap().reason;
    assert_eq!(reason(20), Reason::BecauseYouWatched(10));
    assert_eq!(reason(290), Reason::PickedForYou);
    assert_eq!(reason(300), Reason::PopularToFill);
}

#[test]
fn a_title_that_the_tower_does_not_know_is_found_by_a_row_and_by_nothing_else() {
    // 10 leads to 20, 30 and 40; of what the tower does not know the row of the matrix is an average.
    let found = |unknown: usize| {
        let scene = Scene { vectors: vec![[5, 0]; 8], viewer: [3, 0], unknown, weight: 1 };
        let answer = ask(&scene, &mut says(&[3, 0]), &request(&[10], 100)).unwrap();
        let title = unknown as u32 * 10 + 10;
        let place = answer.picks.iter().position(|pick| pick.title == title).unwrap();
        (place, answer.picks[place].reason)
    };
    assert_eq!(found(1), (0, Reason::BecauseYouWatched(10)));
    assert_eq!(found(2), (1, Reason::BecauseYouWatched(10)));
    assert_eq!(found(5), (6, Reason::PopularToFill));
}

#[test]
fn nobody_asks_the_tower_about_what_it_does_not_know() {
    for history in [&[][..], &[300], &[7, 8]] {
        let mut models = says(&[3, 0]);
        let answer = ask(&scene(), &mut models, &request(history, 3)).unwrap();
        assert!(models.asked.is_empty());
        assert_eq!(titles(&answer), [10, 20, 30], "what is popular");
    }
}

#[test]
fn the_newest_two_hundred_are_encoded_oldest_first() {
    let mut models = says(&[3, 0]);
    let history: Vec<u32> = (0..500).map(|view| view % 29 * 10 + 10).collect();
    ask(&scene(), &mut models, &request(&history, 3)).unwrap();
    let expected: Vec<u32> = (300..500).map(|view| view % 29).collect();
    assert_eq!(models.asked, [expected]);
}

#[test]
fn a_viewer_who_has_seen_everything_gets_nothing_and_no_error() {
    let history: Vec<u32> = (1..=30).map(|title| title * 10).collect();
    let answer = ask(&scene(), &mut says(&[3, 0]), &request(&history, 5)).unwrap();
    assert_eq!((answer.picks.len(), answer.eligible), (0, 0));
}

#[test]
fn a_vector_that_does_not_fit_is_refused() {
    for vector in [vec![1.0], vec![1.0; 3], vec![1.0, f32::NAN]] {
        let mut models = Says { vector: vector.clone(), asked: Vec::new() };
        let error = ask(&scene(), &mut models, &request(&[10], 3)).unwrap_err();
        assert_eq!(error, Error::Inference { code: "nonsense-vector".to_owned() });
        let error = nearest(&scene().candidates(), &vector, 3, &request(&[], 1)).unwrap_err();
        assert_eq!(error, Error::Vector { width: 2 });
    }
}

#[test]
fn without_a_blend_the_tower_is_not_asked() {
    let mut models = says(&[3, 0]);
    let rules = Rules::new(5.0, 30, 0).unwrap();
    let answer = recommend(&scene().candidates(), &rules, &request(&[10], 3), Some(&mut models)).unwrap();
    assert_eq!((titles(&answer), models.asked.len()), (vec![20, 30, 40], 0));
}

#[test]
fn as_many_vectors_as_titles() {
    let sound = scene().candidates();
    let mut columns = sound.columns().clone();
    columns.vectors.as_mut().unwrap().items.pop();
    let refused = Candidates::new(columns).unwrap_err();
    assert_eq!(refused, ranking::CandidatesError::Length { column: "vector" });
}
