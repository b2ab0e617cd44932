//! Questions whose answers a node must give before it serves a release.

use inference::Models as Loaded;
use ranking::Request;
use release::{CandidateFile, GoldenCase};

use super::{AssembleError, Catalogue};
use crate::models::Models;
use crate::native::Native;

/// Picks of a golden answer, at most.
const PICKS: u32 = 10;

/// Scores of neighbours that are closer than this share may change places: the ONNX model agrees between
/// native and wasm to 1e-5 only.
const GAP_SHARE_MIN: f32 = 1e-3;

/// The same where a last bit of a viewer's vector may move what a ranker adds up in bytes by a step.
const ROUNDED_GAP_SHARE_MIN: f32 = 0.05;

/// Newest titles of the viewer who watched most.
const HISTORY_TITLES: usize = 30;

pub(super) fn cases(
    catalogue: &Catalogue,
    set: &CandidateFile,
    models: &Models,
    loaded: &Loaded,
    created_unix_s: u64,
) -> Result<Vec<GoldenCase>, AssembleError> {
    let histories = catalogue.histories();
    let busiest = histories.values().max_by_key(|watched| watched.len()).cloned().unwrap_or_default();
    let newest = busiest[busiest.len().saturating_sub(HISTORY_TITLES)..].to_vec();
    let mut cases = Vec::new();
    for history in [Vec::new(), newest] {
        let rules = catalogue.slates.rules_of(&set.region, &models.training.rules);
        let rules = rules.rules().map_err(|_| release::FileError::Value { field: "rules" })?;
        let is_plain = rules.slate().is_plain();
        let request = Request {
            history: history.clone(),
            exclude: Vec::new(),
            k: PICKS + 1,
            at_unix_ms: created_unix_s * 1_000,
            maturity_max_years: release::GOLDEN_MATURITY_MAX_YEARS,
            // What is drawn is no part of what must be answered.
            seed: None,
        };
        let answer = Native::new(&set.candidates, rules, loaded).recommend(&request);
        let answer = answer.map_err(AssembleError::Golden)?;
        let scores: Vec<f32> = answer.picks.iter().map(|pick| pick.score).collect();
        // A tower in tract says the same everywhere but for the last bits, too.
        let in_tract = loaded.tower().is_some_and(|tower| !tower.is_exact()) && !history.is_empty();
        let gap = if in_tract && loaded.is_rounded() { ROUNDED_GAP_SHARE_MIN } else { GAP_SHARE_MIN };
        let sure = match (answer.ranked || in_tract, is_plain) {
            (false, _) => scores.len().min(PICKS as usize),
            (true, true) => sure_places(&scores, gap),
            // Where logits are laid out anew, one last bit could move every title behind it.
            (true, false) => 0,
        };
        if sure == 0 {
            continue;
        }
        cases.push(GoldenCase {
            region: set.region.clone(),
            history,
            at_unix_ms: request.at_unix_ms,
            k: u32::try_from(sure).unwrap_or(PICKS),
            titles: answer.picks.iter().take(sure).map(|pick| pick.title).collect(),
        });
    }
    Ok(cases)
}

/// How many places from the top do not depend on the last bits of a logit.
fn sure_places(scores: &[f32], gap_share_min: f32) -> usize {
    let is_sure = |pair: &[f32]| pair[0] - pair[1] > gap_share_min * pair[0].abs().max(1.0);
    scores.windows(2).take(PICKS as usize).take_while(|pair| is_sure(pair)).count()
}

#[cfg(test)]
mod tests {
    use super::{GAP_SHARE_MIN, sure_places};

    #[test]
    fn places_are_sure_down_to_the_first_close_pair() {
        let sure_places = |scores: &[f32]| sure_places(scores, GAP_SHARE_MIN);
        assert_eq!(sure_places(&[3.0, 2.0, 1.0, 0.9999, 0.0]), 2);
        assert_eq!(sure_places(&[3.0, 3.0]), 0);
        assert_eq!(sure_places(&[3.0, 2.0, 1.0]), 2, "nothing is known of who stands behind the last");
    }
}
