//! A whole session of a policy over a trace.

use bitrate::{Ahead, Buffer, History, Input, Policy, Sample, Settings, limits};
use units::Millis;

use crate::player::{Player, Protocol};
use crate::score::Played;
use crate::trace::Trace;
use crate::video::Video;

/// The first chunk is fetched at this rung, whatever the policy: nothing is known yet.
pub(crate) const FIRST_RUNG: usize = 1;

/// Samples that a player keeps.
const SAMPLES_KEPT: usize = 64;

/// Plays a title with a policy.
pub(crate) fn play(video: &Video, trace: &Trace, protocol: Protocol, policy: Policy, settings: &Settings) -> Vec<Played> {
    let mut samples: Vec<Sample> = Vec::new();
    play_by(video, trace, protocol, |player, played| {
        if let Some(Played { fetched, .. }) = played.last() {
            let kbps = fetched.bytes * 8.0 / fetched.took_ms;
            let ms = |ms: f64| Millis::new(ms.round() as u64);
            samples.push(Sample { kbps, took: ms(fetched.took_ms), waited: ms(protocol.rtt_ms) });
        }
        let Some(last) = played.last() else { return FIRST_RUNG };
        let input = input(video, player, protocol, policy, &samples, last.rung);
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
    let ms = |ms: f64| Millis::new(ms as u64);
    let chunk = Millis::new(u64::from(video.chunk_ms));
    let buffer = Buffer::new(ms(player.level_ms()), ms(protocol.buffer_max_ms), chunk).expect("checked at the start");
    let sizes = video.bytes_from(player.chunk(), limits::CHUNKS_AHEAD_MAX).to_vec();
    let left = u32::try_from(video.chunks() - player.chunk()).expect("a title has few chunks");
    let ahead = Ahead::new(&video.ladder, sizes, Some(left)).expect("the video was checked");
    Input { last: Some(last), ahead, ..Input::new(policy, video.ladder.clone(), history, buffer) }
}
