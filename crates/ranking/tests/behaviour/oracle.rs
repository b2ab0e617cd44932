//! The whole answer, worked out the long way: every title scored and sorted.

use quickcheck::quickcheck;
use ranking::{Answer, Candidates, Pick, Reason, Rules, recommend, row_scores};

use crate::scenario::Scenario;

/// What each watched title gives to a candidate, newest first.
fn given(scenario: &Scenario, rules: &Rules, candidate: usize) -> Vec<(f32, u32)> {
    let columns = &scenario.columns;
    let mut given = Vec::new();
    for (age, &watched) in scenario.request.history.iter().rev().enumerate() {
        if age >= rules.history_window() {
            break;
        }
        let Some(row) = columns.title_ids.iter().position(|&id| id == watched) else { continue };
        for entry in columns.row_offsets[row]..columns.row_offsets[row + 1] {
            if columns.row_indexes.at(entry as usize) as usize == candidate {
                let scale = 2_f32.powi(i32::from(columns.row_scales_log2[row]));
                let weight = f32::from(columns.row_weights[entry as usize]);
                given.push((rules.recency_weight(age) * scale * weight, watched));
            }
        }
    }
    given
}

fn may_be_shown(scenario: &Scenario, index: usize) -> bool {
    let (columns, request) = (&scenario.columns, &scenario.request);
    let id = columns.title_ids[index];
    let window = columns.window_from_s[index]..columns.window_until_s[index];
    window.contains(&(request.at_unix_ms / 1_000))
        && columns.maturity_years[index] <= request.maturity_max_years
        && !request.history.contains(&id)
        && !request.exclude.contains(&id)
}

/// Every title that may be shown, best first.
pub(crate) fn everything(scenario: &Scenario, rules: &Rules) -> Vec<Pick> {
    let columns = &scenario.columns;
    let most = columns.popularity.iter().copied().fold(0.0, f32::max);
    let mut all = Vec::new();
    for index in (0..columns.title_ids.len()).filter(|&index| may_be_shown(scenario, index)) {
        let given = given(scenario, rules, index);
        let sum = given.iter().fold(0.0, |sum, (part, _)| sum + part);
        let popular = if most > 0.0 { columns.popularity[index] / most - 1.0 } else { -1.0 };
        let (score, reason) = if sum > 0.0 {
            let most = given.iter().map(|(part, _)| *part).fold(f32::NEG_INFINITY, f32::max);
            let newest = given.iter().find(|(part, _)| *part == most).unwrap();
            (sum, Reason::BecauseYouWatched(newest.1))
        } else {
            (popular, Reason::PopularToFill)
        };
        all.push(Pick { title: columns.title_ids[index], score, reason, propensity: None });
    }
    let is_personal = all.iter().any(|pick| pick.score > 0.0);
    let popular = match (scenario.request.history.is_empty(), is_personal) {
        (true, _) => Reason::PopularForNewViewer,
        (false, false) => Reason::PopularWithoutMatch,
        (false, true) => Reason::PopularToFill,
    };
    for pick in &mut all {
        if pick.reason == Reason::PopularToFill {
            pick.reason = popular;
        }
    }
    // A stable sort of a list by rising id: ties stay with the lower id.
    all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap());
    all
}

fn answer(scenario: &Scenario) -> Answer {
    let candidates = Candidates::new(scenario.columns.clone()).unwrap();
    recommend(&candidates, &scenario.rules(0), &scenario.request, None).unwrap()
}

quickcheck! {
    fn an_answer_is_the_head_of_a_full_sort(scenario: Scenario) -> bool {
        let mut picks = everything(&scenario, &scenario.rules(0));
        let eligible = u32::try_from(picks.len()).unwrap();
        picks.truncate(scenario.request.k as usize);
        answer(&scenario) == Answer { picks, eligible, ranked: false }
    }

    fn an_answer_has_k_picks_while_k_titles_pass(scenario: Scenario) -> bool {
        let eligible = (0..scenario.columns.title_ids.len())
            .filter(|&index| may_be_shown(&scenario, index))
            .count();
        answer(&scenario).picks.len() == eligible.min(scenario.request.k as usize)
    }

    fn a_title_watched_excluded_or_filtered_is_never_picked(scenario: Scenario) -> bool {
        let shown = |pick: &Pick| {
            let index = scenario.columns.title_ids.iter().position(|&id| id == pick.title).unwrap();
            may_be_shown(&scenario, index)
        };
        answer(&scenario).picks.iter().all(shown)
    }

    fn scores_fall_and_ties_go_to_the_lower_id(scenario: Scenario) -> bool {
        answer(&scenario).picks.windows(2).all(|pair| {
            pair[0].score > pair[1].score
                || (pair[0].score == pair[1].score && pair[0].title < pair[1].title)
        })
    }

    fn a_shorter_answer_is_the_head_of_a_longer_one(scenario: Scenario) -> bool {
        let mut longer = scenario.clone();
        longer.request.k += 5;
        answer(&longer).picks.starts_with(&answer(&scenario).picks)
    }

    fn row_scores_are_those_by_which_titles_are_ordered(scenario: Scenario) -> bool {
        let candidates = Candidates::new(scenario.columns.clone()).unwrap();
        let rules = scenario.rules(0);
        let scores = row_scores(&candidates, &rules, &scenario.request.history);
        (0..candidates.len()).all(|index| {
            let sum = given(&scenario, &rules, index).iter().fold(0.0, |sum, (part, _)| sum + part);
            scores[index] == sum
        })
    }

    fn recency_weights_fall_with_the_age_to_a_half_at_tau(age: u8, tau_tenths: u8) -> bool {
        let tau = (f32::from(tau_tenths) + 1.0) / 10.0;
        let rules = Rules::new(tau, 200, 0).unwrap();
        let exact = 1.0 / (1.0 + f64::from(age) / f64::from(tau));
        let weight = |age: u8| rules.recency_weight(usize::from(age));
        let is_half = tau.fract() != 0.0 || rules.recency_weight(tau as usize) == 0.5;
        let is_near = (f64::from(weight(age)) - exact).abs() <= exact * 1.2e-7;
        is_near && (age == 0 || weight(age) < weight(age - 1)) && is_half
    }
}
