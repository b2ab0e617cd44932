//! Refuses answers that cannot be true: a component is signed, which does not make it right.

use super::error::Nonsense;
use super::{bitrate, qoe, ranking};
use crate::limits;

/// At most `k` picks of known titles, none watched or excluded, each once; where nothing lays lists out, in falling
/// order, ties by the lower id.
pub(super) fn answer(
    answer: &ranking::Answer,
    request: &ranking::Request,
    titles: &[u32],
    is_sorted: bool,
) -> Result<(), Nonsense> {
    let allowed = (request.k as usize).min(answer.eligible as usize);
    length(answer.picks.len(), allowed)?;
    if answer.eligible as usize > titles.len() {
        return Err(Nonsense::Length { got: answer.eligible as usize, allowed: titles.len() });
    }
    if is_sorted {
        falling(answer.picks.iter().map(|pick| (pick.score, pick.title)))?;
    }
    picks(answer.picks.iter())?;
    once(answer.picks.iter().map(|pick| pick.title))?;
    not_barred(answer.picks.iter().map(|pick| pick.title), request)?;
    known(answer.picks.iter().map(|pick| pick.title), titles)
}

/// Rows of at most `k` picks of known titles, each once on the page, none excluded; what is continued was in progress,
/// and nothing else was watched or begun.
pub(super) fn page(
    page: &ranking::Page,
    asked: &ranking::HomeRequest,
    titles: &[u32],
) -> Result<(), Nonsense> {
    length(page.rows.len(), limits::PAGE_ROWS_MAX)?;
    length(page.eligible as usize, titles.len())?;
    let request = &asked.request;
    for row in &page.rows {
        length(row.picks.len(), request.k as usize)?;
    }
    let all = || page.rows.iter().flat_map(|row| &row.picks);
    picks(all())?;
    once(all().map(|pick| pick.title))?;
    known(all().map(|pick| pick.title), titles)?;
    let is_continued = |row: &&ranking::Row| matches!(row.reason, ranking::Reason::ContinueWatching);
    let (continued, fresh): (Vec<_>, Vec<_>) = page.rows.iter().partition(is_continued);
    let of = |rows: Vec<&ranking::Row>| -> Vec<u32> {
        rows.iter().flat_map(|row| &row.picks).map(|pick| pick.title).collect()
    };
    let (continued, fresh) = (of(continued), of(fresh));
    let begun: Vec<u32> = asked.in_progress.iter().map(|begun| begun.title).collect();
    if let Some(&title) = continued.iter().find(|title| !begun.contains(title)) {
        return Err(Nonsense::NotBegun { title });
    }
    none_of(continued, &request.exclude)?;
    none_of(fresh.clone(), &begun)?;
    not_barred(fresh.into_iter(), request)
}

/// At most `count` known titles, none watched or excluded, each once, in falling order, ties by the lower id.
pub(super) fn nearest(
    scored: &[ranking::Scored],
    count: u32,
    request: &ranking::Request,
    titles: &[u32],
) -> Result<(), Nonsense> {
    length(scored.len(), count as usize)?;
    falling(scored.iter().map(|entry| (entry.score, entry.title)))?;
    once(scored.iter().map(|entry| entry.title))?;
    not_barred(scored.iter().map(|entry| entry.title), request)?;
    known(scored.iter().map(|entry| entry.title), titles)
}

/// At most `n` titles, none excluded, each once, in falling order, ties by the lower id.
pub(super) fn top_rated(scored: &[ranking::Scored], n: u32, exclude: &[u32]) -> Result<(), Nonsense> {
    length(scored.len(), n as usize)?;
    falling(scored.iter().map(|entry| (entry.score, entry.title)))?;
    once(scored.iter().map(|entry| entry.title))?;
    match scored.iter().find(|entry| exclude.contains(&entry.title)) {
        Some(entry) => Err(Nonsense::Excluded { title: entry.title }),
        None => Ok(()),
    }
}

/// One finite number for each that was asked for.
pub(super) fn numbers(numbers: &[f32], asked: usize) -> Result<(), Nonsense> {
    if numbers.len() != asked {
        return Err(Nonsense::Length { got: numbers.len(), allowed: asked });
    }
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(Nonsense::Number { index }),
        None => Ok(()),
    }
}

/// A rung of the ladder.
pub(super) fn decision(decision: &bitrate::Decision, input: &bitrate::Input) -> Result<(), Nonsense> {
    if decision.rung as usize >= input.ladder.len() {
        return Err(Nonsense::Rung { rung: decision.rung });
    }
    Ok(())
}

/// A decision or a refusal for each input.
pub(super) fn decisions(
    decisions: &[Result<bitrate::Decision, bitrate::Error>],
    inputs: &[bitrate::Input],
) -> Result<(), Nonsense> {
    if decisions.len() != inputs.len() {
        return Err(Nonsense::Length { got: decisions.len(), allowed: inputs.len() });
    }
    decisions.iter().zip(inputs).try_for_each(|(decided, input)| match decided {
        Ok(decided) => decision(decided, input),
        Err(_) => Ok(()),
    })
}

/// An answer of eight bytes for each packed question, after the version.
pub(super) fn packed_answers(answers: &[u8], questions: &[u8]) -> Result<(), Nonsense> {
    let mut asked = 0;
    let mut rest = questions.get(PACKED_VERSION_BYTES..).unwrap_or_default();
    while let Some((bytes, record)) = rest.split_first_chunk() {
        rest = record.get(u32::from_le_bytes(*bytes) as usize..).unwrap_or_default();
        asked += 1;
    }
    let allowed = PACKED_VERSION_BYTES + asked * PACKED_ANSWER_BYTES;
    if answers.len() != allowed {
        return Err(Nonsense::Length { got: answers.len(), allowed });
    }
    Ok(())
}

/// Of the form that `bitrate.wit` names.
const PACKED_VERSION_BYTES: usize = 4;
const PACKED_ANSWER_BYTES: usize = 8;

/// A state that fits the session store, with finite means and true scores.
pub(super) fn folded(folded: &qoe::Folded) -> Result<(), Nonsense> {
    if folded.state.len() > limits::STATE_BYTES_MAX {
        return Err(Nonsense::StateTooLarge(folded.state.len()));
    }
    for (index, mean) in [folded.summary.mean_kbps, folded.summary.mean_buffer_ms].into_iter().enumerate() {
        if mean.is_some_and(|mean| !mean.is_finite() || mean < 0.0) {
            return Err(Nonsense::Number { index });
        }
    }
    scores(&folded.scores)
}

/// Scores of 0 to 100 or 1 to 5, shares of 0 to 1, the rest finite.
pub(super) fn scores(scores: &qoe::Scores) -> Result<(), Nonsense> {
    let bounded = [
        (scores.session_v1, 100.0),
        (scores.window_v1, 100.0),
        (scores.rebuffer_ratio, 1.0),
        (scores.completion.unwrap_or(0.0), 1.0),
        (scores.mux_style_v1, 100.0),
        (scores.mos_v1.unwrap_or(1.0) - 1.0, 4.0),
    ];
    let open = [scores.qoe_lin_v1, scores.qoe_log_v1];
    let is_bad = bounded.iter().map(|(number, max)| !(0.0..=*max).contains(number));
    let is_endless = open.iter().map(|number| number.is_some_and(|number| !number.is_finite()));
    match is_bad.chain(is_endless).position(|bad| bad) {
        Some(index) => Err(Nonsense::Number { index }),
        None => Ok(()),
    }
}

fn length(got: usize, allowed: usize) -> Result<(), Nonsense> {
    if got > allowed {
        return Err(Nonsense::Length { got, allowed });
    }
    Ok(())
}

fn falling(entries: impl Iterator<Item = (f32, u32)>) -> Result<(), Nonsense> {
    let mut above = (f32::INFINITY, 0);
    for (index, (score, title)) in entries.enumerate() {
        if !score.is_finite() {
            return Err(Nonsense::Number { index });
        }
        if score > above.0 || (score == above.0 && title < above.1) {
            return Err(Nonsense::Unsorted { index });
        }
        above = (score, title);
    }
    Ok(())
}

/// Scores that are numbers, and propensities that are probabilities of what happened.
fn picks<'a>(picks: impl Iterator<Item = &'a ranking::Pick>) -> Result<(), Nonsense> {
    let is_sound = |pick: &ranking::Pick| {
        pick.score.is_finite() && pick.propensity.is_none_or(|share| share > 0.0 && share <= 1.0)
    };
    match picks.enumerate().find(|(_, pick)| !is_sound(pick)) {
        Some((index, _)) => Err(Nonsense::Number { index }),
        None => Ok(()),
    }
}

/// None of them was watched or excluded.
fn not_barred(shown: impl Iterator<Item = u32>, request: &ranking::Request) -> Result<(), Nonsense> {
    none_of(shown.collect(), request.history.iter().chain(&request.exclude))
}

/// None of them is among those that may not be shown.
fn none_of<'a>(mut shown: Vec<u32>, barred: impl IntoIterator<Item = &'a u32>) -> Result<(), Nonsense> {
    shown.sort_unstable();
    match barred.into_iter().find(|title| shown.binary_search(title).is_ok()) {
        Some(&title) => Err(Nonsense::Excluded { title }),
        None => Ok(()),
    }
}

fn known(mut shown: impl Iterator<Item = u32>, titles: &[u32]) -> Result<(), Nonsense> {
    match shown.find(|title| titles.binary_search(title).is_err()) {
        Some(title) => Err(Nonsense::UnknownTitle { title }),
        None => Ok(()),
    }
}

fn once(titles: impl Iterator<Item = u32>) -> Result<(), Nonsense> {
    let mut sorted: Vec<u32> = titles.collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Nonsense::Duplicate { title: pair[0] }),
        None => Ok(()),
    }
}
