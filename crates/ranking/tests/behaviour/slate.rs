//! Variety, caps, places that an operator fills, and the one that explores.

use std::collections::{BTreeMap, BTreeSet};

use quickcheck::{Arbitrary, Gen, quickcheck};
use ranking::limits::{K_MAX, PINNED_MAX, PROMOTED_MAX};
use ranking::{
    Answer, Candidates, Columns, Pick, Pin, Reason, Request, Rules, RulesError, Slate, SlateSettings,
    TitleId, recommend,
};

use crate::oracle::everything;
use crate::scenario::Scenario;
use crate::sets::{Row, columns, plain, request, rules, titles};

/// Ten titles, the first leads to the others with these genres, each step a tenth of the score.
fn varied(genres: &[u32]) -> Columns {
    let row: Vec<(u32, i8)> = (1..).zip((1..=100).rev().step_by(10)).take(genres.len()).collect();
    let mut rows: Vec<Row<'_>> = vec![&[]; genres.len() + 1];
    rows[0] = &row;
    let mut set = columns(&rows);
    set.genres[1..].copy_from_slice(genres);
    set
}

fn ask(set: &Columns, settings: SlateSettings, question: &Request) -> Answer {
    let rules = rules().with_slate(Slate::new(settings).unwrap());
    recommend(&Candidates::new(set.clone()).unwrap(), &rules, question, None).unwrap()
}

fn slate() -> SlateSettings {
    SlateSettings::default()
}

#[test]
fn a_likeness_costs_its_share_of_relevance() {
    // Relevance falls by a third from title to title: 1, 2/3, 1/3, 0. The second is like the first.
    let set = varied(&[0b01, 0b01, 0b10, 0b10]);
    let check = |lambda: f32, expected: [TitleId; 4]| {
        let answer = ask(&set, SlateSettings { lambda, ..slate() }, &request(&[10], 4));
        assert_eq!(titles(&answer), expected, "{lambda}");
    };
    check(1.0, [20, 30, 40, 50]);
    // 0.8 · 2/3 − 0.2 is more than 0.8 · 1/3.
    check(0.8, [20, 30, 40, 50]);
    // 0.7 · 2/3 − 0.3 is less than 0.7 · 1/3; then 30 is worth 1/6 and 50 is worth −0.3.
    check(0.7, [20, 40, 30, 50]);
    // Nothing but novelty: of what is new by genre, and then of what is not, the order decides.
    check(0.0, [20, 40, 30, 50]);
}

#[test]
fn scores_stay_with_their_titles() {
    let set = varied(&[0b01, 0b01, 0b10, 0b10]);
    let answer = ask(&set, SlateSettings { lambda: 0.5, ..slate() }, &request(&[10], 4));
    let scores: Vec<f32> = answer.picks.iter().map(|pick| pick.score).collect();
    assert_eq!(scores, [100.0, 80.0, 90.0, 70.0]);
    assert!(answer.picks.iter().all(|pick| pick.reason == Reason::BecauseYouWatched(10)));
}

#[test]
fn a_genre_has_no_more_titles_than_its_cap_while_others_are_left() {
    let set = varied(&[0b1, 0b1, 0b11, 0b10, 0b100]);
    let capped = |genre_picks_max, k| {
        titles(&ask(&set, SlateSettings { genre_picks_max, ..slate() }, &request(&[10], k)))
    };
    assert_eq!(capped(1, 3), [20, 50, 60]);
    assert_eq!(capped(2, 4), [20, 30, 50, 60]);
    assert_eq!(capped(0, 4), [20, 30, 40, 50]);
    // Rather a third title of a genre than an empty place.
    assert_eq!(capped(1, 5), [20, 50, 60, 30, 40]);
}

#[test]
fn a_pinned_title_stands_at_its_place_and_the_others_around_it() {
    let set = varied(&[1, 1, 1, 1]);
    let pinned = vec![Pin { place: 3, title: 20 }, Pin { place: 1, title: 50 }];
    let answer = ask(&set, SlateSettings { pinned: pinned.clone(), ..slate() }, &request(&[10], 4));
    assert_eq!(titles(&answer), [50, 30, 20, 40]);
    assert_eq!([answer.picks[0].reason, answer.picks[2].reason], [Reason::Pinned; 2]);
    // A list that is too short for a place does without it.
    let answer = ask(&set, SlateSettings { pinned, ..slate() }, &request(&[10], 2));
    assert_eq!(titles(&answer), [50, 20]);
    assert_eq!(answer.picks[1].reason, Reason::BecauseYouWatched(10));
}

#[test]
fn a_pinned_title_that_may_not_be_shown_leaves_its_place() {
    let mut set = varied(&[1, 1, 1, 1]);
    (set.window_from_s[2], set.window_until_s[2]) = (0, 0);
    set.maturity_years[3] = 19;
    for title in [10, 30, 40, 77_777] {
        let pinned = vec![Pin { place: 1, title }];
        let answer = ask(&set, SlateSettings { pinned, ..slate() }, &request(&[10], 4));
        assert_eq!(titles(&answer), [20, 50], "watched, unlicensed, for adults, unknown: {title}");
    }
}

#[test]
fn promoted_titles_come_first_the_viewers_favourites_among_them_and_only_so_many() {
    let mut set = varied(&[1, 1, 1, 1, 1]);
    (set.window_from_s[4], set.window_until_s[4]) = (0, 0);
    let promoting = |promoted_max| {
        let settings = SlateSettings { promoted_max, promoted: vec![50, 60, 77_777, 40], ..slate() };
        ask(&set, settings, &request(&[10], 4))
    };
    assert_eq!(titles(&promoting(0)), [20, 30, 40, 60]);
    assert_eq!(titles(&promoting(1)), [40, 20, 30, 60]);
    let answer = promoting(2);
    assert_eq!(titles(&answer), [40, 60, 20, 30]);
    assert_eq!([answer.picks[0].reason, answer.picks[1].reason], [Reason::Promoted; 2]);
}

#[test]
fn a_seed_draws_one_place_and_tells_how_probable_it_was() {
    let set = varied(&[1, 1, 1, 1, 1]);
    let settings = SlateSettings { exploration_place: 2, ..slate() };
    let asked = |seed| ask(&set, settings.clone(), &Request { seed, ..request(&[10], 3) });
    assert_eq!(titles(&asked(None)), [20, 30, 40], "without a seed nothing is explored");
    let mut drawn = BTreeMap::<TitleId, u32>::new();
    for seed in 0..3_000 {
        let answer = asked(Some(seed));
        let Pick { title, reason, propensity, .. } = answer.picks[1];
        assert_eq!((answer.picks[0].title, answer.picks[2].title), (20, 30));
        assert_eq!((reason, propensity), (Reason::Explored, Some(1.0 / 3.0)));
        assert_eq!(asked(Some(seed)), answer);
        *drawn.entry(title).or_default() += 1;
    }
    // A thousand each, and five standard deviations.
    assert_eq!(drawn.keys().copied().collect::<Vec<_>>(), [40, 50, 60]);
    assert!(drawn.values().all(|times| (870..=1_130).contains(times)), "{drawn:?}");
}

#[test]
fn what_is_drawn_is_within_the_caps_while_anything_is() {
    let settings = SlateSettings { exploration_place: 2, genre_picks_max: 1, ..slate() };
    let drawn = |set: &Columns, seed| {
        let answer = ask(set, settings.clone(), &Request { seed: Some(seed), ..request(&[10], 2) });
        (answer.picks[1].title, answer.picks[1].propensity)
    };
    for seed in 0..50 {
        assert_eq!(drawn(&varied(&[0b1, 0b1, 0b1, 0b10]), seed), (50, Some(1.0)));
        // All that is left is of the genre of the first: the best of it, and nothing was drawn.
        assert_eq!(drawn(&varied(&[0b1, 0b1, 0b1]), seed), (30, None));
    }
}

#[test]
fn nothing_is_explored_where_nothing_is_left() {
    let settings = SlateSettings { exploration_place: 2, ..slate() };
    let question = Request { seed: Some(7), ..request(&[10], 3) };
    let answer = ask(&varied(&[1, 1]), settings.clone(), &question);
    assert_eq!((titles(&answer), answer.picks[1].propensity), (vec![20, 30], None));
    // A list that does not reach the place.
    let answer = ask(&varied(&[1, 1, 1]), settings, &Request { k: 1, ..question });
    assert_eq!((titles(&answer), answer.picks[0].propensity), (vec![20], None));
}

#[test]
fn settings_stay_in_their_ranges() {
    let check = |settings: SlateSettings, rule: Option<&str>| {
        let refused = Slate::new(settings.clone()).err();
        assert_eq!(refused.map(|RulesError { rule }| rule), rule, "{settings:?}");
    };
    let pin = |place, title| Pin { place, title };
    check(slate(), None);
    for lambda in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        check(SlateSettings { lambda, ..slate() }, Some("lambda"));
    }
    check(SlateSettings { genre_picks_max: K_MAX + 1, ..slate() }, Some("genre-picks-max"));
    check(SlateSettings { exploration_place: K_MAX + 1, ..slate() }, Some("exploration-place"));
    let most = u32::try_from(PROMOTED_MAX).unwrap();
    check(SlateSettings { promoted_max: most, promoted: (0..most).collect(), ..slate() }, None);
    check(SlateSettings { promoted_max: most + 1, ..slate() }, Some("promoted-max"));
    check(SlateSettings { promoted: (0..=most).collect(), ..slate() }, Some("promoted"));
    check(SlateSettings { promoted: vec![4, 5, 4], ..slate() }, Some("promoted"));
    let pinned = |pinned: &[Pin]| SlateSettings { pinned: pinned.to_vec(), ..slate() };
    check(pinned(&[pin(0, 1)]), Some("pinned"));
    check(pinned(&[pin(K_MAX + 1, 1)]), Some("pinned"));
    check(pinned(&[pin(1, 1), pin(1, 2)]), Some("pinned"));
    check(pinned(&[pin(1, 1), pin(2, 1)]), Some("promoted"));
    check(SlateSettings { promoted: vec![1], ..pinned(&[pin(1, 1)]) }, Some("promoted"));
    check(SlateSettings { exploration_place: 4, ..pinned(&[pin(4, 1)]) }, Some("pinned"));
    let many: Vec<Pin> =
        (1..=u32::try_from(PINNED_MAX).unwrap() + 1).map(|place| pin(place, place)).collect();
    check(pinned(&many[1..]), None);
    check(pinned(&many), Some("pinned"));
}

/// A catalogue, a question and a layout.
#[derive(Clone, Debug)]
pub(crate) struct LaidOut {
    pub(crate) scenario: Scenario,
    pub(crate) settings: SlateSettings,
}

impl LaidOut {
    pub(crate) fn rules(&self) -> Rules {
        self.scenario.rules(0).with_slate(Slate::new(self.settings.clone()).unwrap())
    }

    pub(crate) fn candidates(&self) -> Candidates {
        Candidates::new(self.scenario.columns.clone()).unwrap()
    }

    fn answer(&self) -> Answer {
        recommend(&self.candidates(), &self.rules(), &self.scenario.request, None).unwrap()
    }

    /// Every title that may be shown, best first.
    pub(crate) fn everything(&self) -> Vec<Pick> {
        everything(&self.scenario, &self.scenario.rules(0))
    }

    pub(crate) fn genres(&self, title: TitleId) -> u32 {
        let index = self.scenario.columns.title_ids.iter().position(|&id| id == title).unwrap();
        self.scenario.columns.genres[index]
    }
}

impl Arbitrary for LaidOut {
    fn arbitrary(source: &mut Gen) -> Self {
        let mut scenario = Scenario::arbitrary(source);
        scenario.request.seed = Option::arbitrary(source);
        let mut titles: Vec<TitleId> = (0..10).map(|_| u32::arbitrary(source) % 50).collect();
        titles.sort_unstable();
        titles.dedup();
        let promoted = titles.split_off(titles.len() / 2);
        let place = |at: usize| u32::try_from(at).unwrap() * 2 + 1;
        let settings = SlateSettings {
            lambda: *source.choose(&[0.0, 0.3, 0.5, 0.9, 1.0]).unwrap(),
            trending_share: *source.choose(&[0.0, 0.2]).unwrap(),
            new_share: *source.choose(&[0.0, 0.1]).unwrap(),
            genre_picks_max: u32::arbitrary(source) % 4,
            promoted_max: u32::arbitrary(source) % 4,
            exploration_place: *source.choose(&[0, 2, 4, 8]).unwrap(),
            pinned: titles
                .into_iter()
                .enumerate()
                .map(|(at, title)| Pin { place: place(at), title })
                .take(usize::arbitrary(source) % 4)
                .collect(),
            promoted,
        };
        Self { scenario, settings }
    }
}

fn likeness(a: u32, b: u32) -> f32 {
    if a | b == 0 { 0.0 } else { (a & b).count_ones() as f32 / (a | b).count_ones() as f32 }
}

quickcheck! {
    fn with_a_lambda_of_1_and_nothing_else_the_order_is_todays(laid: LaidOut, cap: bool) -> bool {
        // A cap that no list reaches lays the list out, and changes nothing.
        let genre_picks_max = if cap { K_MAX } else { 0 };
        let same = LaidOut { settings: SlateSettings { genre_picks_max, ..slate() }, ..laid.clone() };
        let today = recommend(&laid.candidates(), &laid.scenario.rules(0), &laid.scenario.request, None);
        same.answer() == today.unwrap()
    }

    fn a_list_has_k_titles_while_k_may_be_shown_each_once(laid: LaidOut) -> bool {
        let shown: BTreeSet<TitleId> = laid.everything().iter().map(|pick| pick.title).collect();
        let picked = titles(&laid.answer());
        let each: BTreeSet<TitleId> = picked.iter().copied().collect();
        picked.len() == shown.len().min(laid.scenario.request.k as usize)
            && each.len() == picked.len()
            && each.is_subset(&shown)
    }

    fn a_cap_is_broken_only_where_every_title_left_would_break_it(laid: LaidOut) -> bool {
        let (answer, max) = (laid.answer(), laid.settings.genre_picks_max);
        let placed = |pick: &&Pick| matches!(pick.reason, Reason::Pinned | Reason::Promoted);
        let mut counts = [0; 32];
        let mut count = |title: TitleId| {
            (0..32).filter(|genre| laid.genres(title) >> genre & 1 == 1).for_each(|genre| counts[genre] += 1);
            (0..32).filter(|&genre| max > 0 && counts[genre] >= max).fold(0, |full, genre| full | 1 << genre)
        };
        let mut full = 0;
        answer.picks.iter().filter(placed).for_each(|pick| full = count(pick.title));
        let mut left: BTreeSet<TitleId> = laid.everything().iter().map(|pick| pick.title).collect();
        answer.picks.iter().filter(placed).for_each(|pick| { left.remove(&pick.title); });
        // The place that explores is filled last, also by merit where nobody within the caps is left to draw; it stays
        // empty where there are too few titles for all places.
        let filled = laid.scenario.request.seed.is_some()
            && answer.picks.len() == laid.scenario.request.k as usize;
        let explores = |at: usize| filled && at + 1 == laid.settings.exploration_place as usize;
        let merit = answer.picks.iter().enumerate().filter(|(_, pick)| !placed(pick));
        let (last, first): (Vec<_>, Vec<_>) = merit.partition(|&(at, _)| explores(at));
        first.into_iter().chain(last).all(|(_, pick)| {
            let breaks = laid.genres(pick.title) & full != 0;
            let could = left.iter().any(|&title| laid.genres(title) & full == 0);
            left.remove(&pick.title);
            full = count(pick.title);
            !breaks || !could
        })
    }

    fn a_list_is_what_marginal_relevance_says_title_by_title(laid: LaidOut) -> bool {
        let lambda = laid.settings.lambda;
        let only = LaidOut { settings: SlateSettings { lambda, ..slate() }, ..laid };
        let mut left = only.everything();
        let is_own = |pick: &Pick| pick.reason != Reason::PopularToFill;
        let own: Vec<f64> = left.iter().filter(|pick| is_own(pick)).map(|pick| f64::from(pick.score)).collect();
        let relevance = |pick: &Pick| match (own.first(), own.last()) {
            _ if !is_own(pick) => 0.0,
            (Some(high), Some(low)) if high > low => ((f64::from(pick.score) - low) / (high - low)) as f32,
            _ => 1.0,
        };
        let mut expected: Vec<TitleId> = Vec::new();
        while expected.len() < only.scenario.request.k as usize && !left.is_empty() {
            let worth = |pick: &Pick| {
                let alike = expected.iter().map(|&title| likeness(only.genres(title), only.genres(pick.title)));
                lambda * relevance(pick) - (1.0 - lambda) * alike.fold(0.0, f32::max)
            };
            let best = left.iter().map(&worth).fold(f32::NEG_INFINITY, f32::max);
            let at = left.iter().position(|pick| worth(pick) == best).unwrap();
            expected.push(left.remove(at).title);
        }
        titles(&only.answer()) == expected
    }

    fn propensities_sum_to_one_over_the_pool(laid: LaidOut) -> bool {
        let draws = |seed| {
            let mut laid = laid.clone();
            laid.scenario.request.seed = Some(seed);
            laid.answer()
        };
        let mut seen: BTreeMap<TitleId, f32> = BTreeMap::new();
        for seed in 0..200 {
            for pick in draws(seed).picks {
                seen.extend(pick.propensity.map(|propensity| (pick.title, propensity)));
            }
        }
        // Fourteen titles at most: two hundred seeds draw each of them.
        let sum: f32 = seen.values().sum();
        seen.is_empty() || (sum - 1.0).abs() < 1e-5
    }

    fn a_seed_changes_one_place_and_no_other(laid: LaidOut, other: u32) -> bool {
        let mut another = laid.clone();
        another.scenario.request.seed = laid.scenario.request.seed.map(|_| other);
        let (one, two) = (laid.answer(), another.answer());
        let same = |(a, b): (&Pick, &Pick)| a == b || a.reason == Reason::Explored && b.reason == Reason::Explored;
        one.picks.len() == two.picks.len() && one.picks.iter().zip(&two.picks).all(same)
    }

    fn placed_titles_stand_where_they_should(laid: LaidOut) -> bool {
        let answer = laid.answer();
        let promoted = answer.picks.iter().filter(|pick| pick.reason == Reason::Promoted);
        let may = |title| laid.everything().iter().any(|pick| pick.title == title);
        let fits = |pin: &&Pin| pin.place <= laid.scenario.request.k && pin.place as usize <= answer.picks.len();
        // In a list shorter than its places, what is behind a gap moves up.
        let is_whole = answer.picks.len() == laid.scenario.request.k as usize;
        let stands = |pin: &Pin| answer.picks[pin.place as usize - 1].title == pin.title;
        promoted.count() <= laid.settings.promoted_max as usize
            && laid.settings.pinned.iter().filter(fits).all(|pin| !may(pin.title) || !is_whole || stands(pin))
    }
}

#[test]
fn a_title_beyond_the_best_may_be_pinned_and_has_the_last_score() {
    let set = plain(300);
    let settings = SlateSettings { pinned: vec![Pin { place: 2, title: 3_000 }], ..slate() };
    let answer = ask(&set, settings, &request(&[], 3));
    assert_eq!(titles(&answer), [10, 3_000, 20]);
    assert!(answer.picks[1].score < answer.picks[2].score);
}
