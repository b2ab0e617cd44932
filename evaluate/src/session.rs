//! A whole session of a policy over a trace.

use bitrate::{Ahead, Buffer, History, Input, Policy, Rules, Sample, Settings, SpeedRule, limits};
use units::Millis;

use crate::player::{Player, Protocol};
use crate::score::Played;
use crate::trace::Trace;
use crate::video::Video;

/// The first chunk is fetched at this rung, whatever the policy: nothing is known yet.
pub(crate) const FIRST_RUNG: usize = 1;

/// Samples that a player keeps.
const SAMPLES_KEPT: usize = 64;

/// What a player knows of what is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The sizes of all chunks.
    OnDemand,
    /// The size of the next chunk only, and no end: the others are not made yet.
    Live,
}

/// Plays a title with a policy.
pub(crate) fn play(
    video: &Video,
    trace: &Trace,
    protocol: Protocol,
    policy: Policy,
    settings: &Settings,
) -> Vec<Played> {
    let mut samples: Vec<Sample> = Vec::new();
    play_by(video, trace, protocol, |player, played| {
        let Some(Played { rung: last, fetched }) = played.last() else { return FIRST_RUNG };
        let ms = |ms: f64| Millis::new(ms.round() as u64);
        let kbps = fetched.bytes * 8.0 / fetched.took_ms;
        samples.push(Sample { kbps, took: ms(fetched.took_ms), waited: ms(protocol.rtt_ms) });
        let input = input(video, player, protocol, policy, &samples, *last);
        bitrate::decide_with(&input, settings).rung
    })
}

/// Plays a title with the rungs of `choose`, which sees the player and what was played.
pub(crate) fn play_by(
    video: &Video,
    trace: &Trace,
    protocol: Protocol,
    mut choose: impl FnMut(&Player<'_>, &[Played]) -> usize,
) -> Vec<Played> {
    let mut player = Player::new(video, trace, protocol);
    let mut played: Vec<Played> = Vec::with_capacity(video.chunks());
    while player.chunk() < video.chunks() {
        let rung = choose(&player, &played);
        let fetched = player.fetch(rung);
        played.push(Played { rung, fetched });
    }
    played
}

fn input(
    video: &Video,
    player: &Player<'_>,
    protocol: Protocol,
    policy: Policy,
    samples: &[Sample],
    last: usize,
) -> Input {
    let newest = samples[samples.len().saturating_sub(SAMPLES_KEPT)..].to_vec();
    let history = History::new(newest).expect("fewer samples than the limit");
    // A player knows its buffer in whole milliseconds; half a millisecond less is on the safe side.
    let ms = |ms: f64| Millis::new(ms as u64);
    let chunk = Millis::new(u64::from(video.chunk_ms));
    let buffer_max = ms(protocol.buffer_max_ms).max(chunk);
    let buffer = Buffer::new(ms(player.level_ms()), buffer_max, chunk).expect("the protocol was checked");
    let (known, left) = match protocol.mode {
        Mode::OnDemand => (limits::CHUNKS_AHEAD_MAX, u32::try_from(video.chunks() - player.chunk()).ok()),
        Mode::Live => (1, None),
    };
    let sizes = video.bytes_from(player.chunk(), known).to_vec();
    let ahead = Ahead::new(&video.ladder, sizes, left).expect("the video was checked");
    let latency = (protocol.mode == Mode::Live).then_some(buffer_max);
    let input = Input::new(policy, video.ladder.clone(), history, buffer);
    Input { last: Some(last), ahead, latency, rules: usual_rules(), ..input }
}

/// The table of the guide: below 5 Mbit/s 480 lines, below 10 720, below 25 1080, else 2160.
fn usual_rules() -> Rules {
    let lines = [(0.0, 480), (5.0, 720), (10.0, 1_080), (25.0, 2_160)];
    Rules::new(lines.map(|(mbps_min, height)| SpeedRule { mbps_min, height }).to_vec()).expect("it rises")
}
