//! What a session was worth.

use serde::Serialize;

use crate::player::Fetched;
use crate::video::Video;

/// Cost of a second of stalling in QoE-lin: the top of the usual ladder in Mbit/s.
const LINEAR_STALL: f64 = 4.3;

/// The same in QoE-log: the logarithm of the usual ladder's top over its bottom.
const LOG_STALL: f64 = 2.66;

/// A chunk that was played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Played {
    pub(crate) rung: usize,
    pub(crate) fetched: Fetched,
}

/// The figures of one session or the mean of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Mean over chunks of Mbit/s − 4.3 × stall seconds − |change of Mbit/s|.
    pub(crate) qoe_lin: f64,
    /// The same with ln(rate / lowest rate) and 2.66.
    pub(crate) qoe_log: f64,
    /// Stall time / (stall time + media time).
    pub(crate) stall_percent: f64,
    /// Mean nominal bit rate.
    pub(crate) kbps: f64,
    /// Chunks of another rung than the one before.
    pub(crate) switches: f64,
    /// Until the first chunk was there.
    pub(crate) startup_s: f64,
    /// 5th percentile of QoE-lin: over chunks of a session, over sessions of many.
    pub(crate) p5_qoe_lin: f64,
}

/// Scores a session. The first chunk is left out of everything but the start: no policy chose it.
pub(crate) fn of_session(video: &Video, played: &[Played]) -> Figures {
    let chunk_s = f64::from(video.chunk_ms) / 1e3;
    let counted = (played.len() - 1) as f64;
    let lowest = video.mbps(0);
    let mut linear = Vec::with_capacity(played.len() - 1);
    let mut sum = Figures { startup_s: played[0].fetched.took_ms / 1e3, ..Figures::default() };
    let mut stall_s_sum = 0.0;
    for pair in played.windows(2) {
        let (before, now) = (video.mbps(pair[0].rung), video.mbps(pair[1].rung));
        let stall_s = pair[1].fetched.stall_ms / 1e3;
        linear.push(now - LINEAR_STALL * stall_s - (now - before).abs());
        sum.qoe_log += (now / lowest).ln() - LOG_STALL * stall_s - (now / before).ln().abs();
        sum.kbps += now * 1e3;
        sum.switches += f64::from(u8::from(pair[0].rung != pair[1].rung));
        stall_s_sum += stall_s;
    }
    Figures {
        qoe_lin: linear.iter().sum::<f64>() / counted,
        qoe_log: sum.qoe_log / counted,
        stall_percent: 100.0 * stall_s_sum / (stall_s_sum + counted * chunk_s),
        kbps: sum.kbps / counted,
        p5_qoe_lin: percentile(linear, 0.05),
        ..sum
    }
}

/// The worth of one chunk in QoE-lin.
pub(crate) fn linear(before_mbps: f64, now_mbps: f64, stall_ms: f64) -> f64 {
    now_mbps - LINEAR_STALL * stall_ms / 1e3 - (now_mbps - before_mbps).abs()
}

/// The means over sessions, each of the same weight; `p5_qoe_lin` is the 5th percentile of their QoE-lin.
pub(crate) fn mean(sessions: &[Figures]) -> Figures {
    let mean_of =
        |figure: fn(&Figures) -> f64| sessions.iter().map(figure).sum::<f64>() / sessions.len() as f64;
    Figures {
        qoe_lin: mean_of(|session| session.qoe_lin),
        qoe_log: mean_of(|session| session.qoe_log),
        stall_percent: mean_of(|session| session.stall_percent),
        kbps: mean_of(|session| session.kbps),
        switches: mean_of(|session| session.switches),
        startup_s: mean_of(|session| session.startup_s),
        p5_qoe_lin: percentile(sessions.iter().map(|session| session.qoe_lin).collect(), 0.05),
    }
}

/// With linear interpolation between the two nearest.
pub(crate) fn percentile(mut numbers: Vec<f64>, share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let at = share * (numbers.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    numbers[low] + (numbers[high] - numbers[low]) * (at - at.floor())
}
