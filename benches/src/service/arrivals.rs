//! Who asks, and when: fixed before a step begins, and the same for every server.

use std::time::Duration;

use crate::release_files::Dice;
use crate::service::release::TITLES;

/// Viewers who come back; answers for them are kept.
pub(crate) const HOT_VIEWERS: usize = 1_000;
/// Of a hundred requests, those of viewers who come back; the others have never been seen.
pub(crate) const HOT_PERCENT: u32 = 70;
/// Titles behind every viewer.
pub(crate) const HISTORY: u32 = 50;
/// Picks wanted.
pub(crate) const K: u32 = 10;

/// The requests of one step.
pub(crate) struct Step {
    /// When each is to be sent, from the step's beginning on, rising.
    pub(crate) due: Vec<Duration>,
    who: Vec<Who>,
    hot: Vec<Vec<u8>>,
    pub(crate) time: Duration,
}

enum Who {
    Hot(u32),
    Cold(Vec<u8>),
}

impl Step {
    /// So many requests a second for so long. Equal numbers give equal steps; steps of different numbers share no
    /// viewer.
    pub(crate) fn new(number: u64, rate_per_s: f64, time: Duration) -> Self {
        let mut dice = Dice(number << 32);
        let requests = (rate_per_s * time.as_secs_f64()).round().max(1.0) as u32;
        let due = due(&mut dice, requests, time);
        let hot = (0..HOT_VIEWERS).map(|_| request(&mut dice)).collect();
        let mut who = |_| match dice.below(100) < HOT_PERCENT {
            true => Who::Hot(dice.below(HOT_VIEWERS as u32)),
            false => Who::Cold(request(&mut dice)),
        };
        Self { who: (0..requests).map(&mut who).collect(), due, hot, time }
    }

    /// A whole request, as it is sent.
    pub(crate) fn request(&self, index: usize) -> &[u8] {
        match &self.who[index] {
            Who::Hot(viewer) => &self.hot[*viewer as usize],
            Who::Cold(request) => request,
        }
    }

    /// One request of every viewer who comes back.
    pub(crate) fn hot(&self) -> &[Vec<u8>] {
        &self.hot
    }
}

/// When so many requests of strangers are to be sent, rising.
///
/// A Poisson process of which the count is known: every moment of the time is as likely as any other.
pub(crate) fn due(dice: &mut Dice, requests: u32, time: Duration) -> Vec<Duration> {
    let moment = |_| time.mul_f64(f64::from(dice.below(MOMENTS)) / f64::from(MOMENTS));
    let mut due: Vec<Duration> = (0..requests).map(moment).collect();
    due.sort_unstable();
    due
}

fn request(dice: &mut Dice) -> Vec<u8> {
    let history: Vec<String> = (0..HISTORY).map(|_| (dice.below(TITLES) * 3 + 1).to_string()).collect();
    let body = format!("{{\"history\":[{}],\"k\":{K}}}", history.join(","));
    format!(
        "POST /v1/recommend HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Places in a step where a request may fall.
const MOMENTS: u32 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TIME: Duration = Duration::from_secs(2);

    #[test]
    fn the_rate_is_met_exactly_and_the_moments_rise_within_the_step() {
        let step = Step::new(1, 1_500.0, TIME);
        assert_eq!(step.due.len(), 3_000);
        assert!(step.due.is_sorted() && step.due.iter().all(|&due| due < TIME));
    }

    #[test]
    fn gaps_vary_as_those_of_strangers_do() {
        let step = Step::new(1, 5_000.0, TIME);
        let gaps: Vec<f64> = step.due.windows(2).map(|two| (two[1] - two[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        // Of an exponential distribution the deviation is the mean; of even steps it is 0.
        assert!((deviation / mean - 1.0).abs() < 0.1, "{mean} {deviation}");
    }

    #[test]
    fn seven_of_ten_come_back_and_the_others_are_never_seen_again() {
        let step = Step::new(3, 5_000.0, TIME);
        let cold: Vec<&[u8]> = step
            .who
            .iter()
            .filter_map(|who| if let Who::Cold(request) = who { Some(&**request) } else { None })
            .collect();
        let share = 1.0 - cold.len() as f64 / step.who.len() as f64;
        assert!((share - 0.7).abs() < 0.02, "{share}");
        let hot: BTreeSet<&[u8]> = step.hot.iter().map(Vec::as_slice).collect();
        let different: BTreeSet<&[u8]> = cold.iter().copied().collect();
        assert_eq!(different.len(), cold.len());
        assert!(different.is_disjoint(&hot));
        let next = Step::new(4, 5_000.0, TIME);
        assert!(next.hot.iter().all(|request| !hot.contains(request.as_slice())));
    }

    #[test]
    fn equal_numbers_give_equal_steps() {
        let (a, b) = (Step::new(5, 300.0, TIME), Step::new(5, 300.0, TIME));
        assert_eq!(a.due, b.due);
        assert!((0..a.due.len()).all(|index| a.request(index) == b.request(index)));
    }
}
