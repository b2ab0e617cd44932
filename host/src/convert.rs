//! Between the messages of `wire` and the types of the components.

use release::{RulesEntry, SlateEntry};
use wire::{BitrateRequest, Event, LadderFile, Player, ReasonKind, Rung, SpeedRule};

use crate::runtime::{bitrate, qoe, ranking};

/// A bitrate question as the component takes it.
pub(crate) fn bitrate_input(
    request: &BitrateRequest,
    ladder: &[Rung],
    rules: &[SpeedRule],
) -> bitrate::Input {
    let rung = |rung: &Rung| bitrate::Rung { id: rung.id.clone(), height: rung.height, kbps: rung.kbps };
    let rule = |rule: &SpeedRule| bitrate::SpeedRule {
        mbps_min: rule.mbps_min,
        height: rule.height,
        cdn_endpoint: rule.cdn_endpoint.clone().unwrap_or_default(),
    };
    let policy = policy(request.policy);
    // The other policies do not read the table.
    let rules = if policy == bitrate::Policy::SeedRules { rules } else { &[] };
    let nothing = Player::default();
    let player = request.player.as_ref().unwrap_or(&nothing);
    let running = |running: wire::Running| {
        let wire::Running { rung, bytes, got, took_ms, waited_ms } = running;
        bitrate::Running { rung, bytes, got, took_ms, waited_ms }
    };
    let weights = |weights: wire::Weights| bitrate::Weights {
        utility: match weights.utility {
            wire::Utility::Mbps => bitrate::Utility::Mbps,
            wire::Utility::Log => bitrate::Utility::Log,
        },
        stall: weights.stall,
        change: weights.change,
    };
    bitrate::Input {
        policy,
        ladder: ladder.iter().map(rung).collect(),
        rules: rules.iter().map(rule).collect(),
        samples: samples(request, player),
        buffer_ms: request.buffer_ms,
        buffer_max_ms: request.buffer_max_ms,
        segment_ms: request.segment_ms,
        height_max: request.height_max,
        kbps_max: player.kbps_max,
        bytes_left: player.bytes_left,
        last_rung: player.last_rung,
        chunk_bytes: player.chunk_bytes.clone(),
        chunks_left: player.chunks_left,
        latency_ms: player.latency_ms,
        running: player.running.map(running),
        weights: player.weights.map(weights),
    }
}

/// With their times where the player told them.
fn samples(request: &BitrateRequest, player: &Player) -> Vec<bitrate::Sample> {
    if player.samples.is_empty() {
        let of_speed = |&kbps: &f64| bitrate::Sample { kbps, took_ms: 0, waited_ms: 0 };
        return request.samples_kbps.iter().map(of_speed).collect();
    }
    let whole = |sample: &wire::Sample| bitrate::Sample {
        kbps: sample.kbps,
        took_ms: sample.took_ms,
        waited_ms: sample.waited_ms,
    };
    player.samples.iter().map(whole).collect()
}

fn policy(policy: wire::Policy) -> bitrate::Policy {
    match policy {
        wire::Policy::SeedRules => bitrate::Policy::SeedRules,
        wire::Policy::Throughput => bitrate::Policy::Throughput,
        wire::Policy::Bola => bitrate::Policy::Bola,
        wire::Policy::Bba => bitrate::Policy::Bba,
        wire::Policy::BolaE => bitrate::Policy::BolaE,
        wire::Policy::Dynamic => bitrate::Policy::Dynamic,
        wire::Policy::RobustMpc => bitrate::Policy::RobustMpc,
        wire::Policy::Flagship => bitrate::Policy::Flagship,
    }
}

/// The ladder of a request, else the node's.
pub(crate) fn ladder_of<'a>(request: &'a BitrateRequest, own: &'a LadderFile) -> &'a [Rung] {
    request.ladder.as_deref().unwrap_or(&own.rungs)
}

/// What decided, as players read it.
pub(crate) fn why(why: bitrate::Why) -> wire::Why {
    match why {
        bitrate::Why::UnknownSpeed => wire::Why::UnknownSpeed,
        bitrate::Why::SpeedRule => wire::Why::SpeedRule,
        bitrate::Why::Throughput => wire::Why::Throughput,
        bitrate::Why::BufferLevel => wire::Why::BufferLevel,
        bitrate::Why::BufferLow => wire::Why::BufferLow,
        bitrate::Why::HeightCap => wire::Why::HeightCap,
        bitrate::Why::DataCap => wire::Why::DataCap,
        bitrate::Why::Plan => wire::Why::Plan,
        bitrate::Why::GoOn => wire::Why::GoOn,
        bitrate::Why::Abandon => wire::Why::Abandon,
    }
}

/// A manifest's rules as the component takes them.
pub(crate) fn rules(rules: &RulesEntry) -> ranking::Rules {
    let RulesEntry { recency_tau, history_window, ranker_pool, blend, slate } = rules.clone();
    let blend = blend.map(|blend| ranking::Blend { weight: blend.weight, floor: blend.floor });
    ranking::Rules { recency_tau, history_window, ranker_pool, blend, slate: self::slate(slate) }
}

/// How lists are laid out, likewise.
pub(crate) fn slate(slate: SlateEntry) -> ranking::Slate {
    let SlateEntry { lambda, genre_picks_max, promoted_max, exploration_place, pinned, promoted } = slate;
    let pinned = pinned.into_iter().map(|pin| ranking::Pin { place: pin.place, title: pin.title }).collect();
    ranking::Slate { lambda, genre_picks_max, promoted_max, exploration_place, pinned, promoted }
}

/// The sort of a reason, and the watched title behind it.
pub(crate) fn reason(reason: &ranking::Reason) -> (ReasonKind, Option<u32>) {
    match reason {
        ranking::Reason::BecauseYouWatched(title) => (ReasonKind::BecauseYouWatched, Some(*title)),
        ranking::Reason::PickedForYou => (ReasonKind::PickedForYou, None),
        ranking::Reason::PopularForNewViewer => (ReasonKind::PopularForNewViewer, None),
        ranking::Reason::PopularWithoutMatch => (ReasonKind::PopularWithoutMatch, None),
        ranking::Reason::PopularToFill => (ReasonKind::PopularToFill, None),
        ranking::Reason::ContinueWatching => (ReasonKind::ContinueWatching, None),
        ranking::Reason::Trending => (ReasonKind::Trending, None),
        ranking::Reason::New => (ReasonKind::New, None),
        ranking::Reason::Pinned => (ReasonKind::Pinned, None),
        ranking::Reason::Promoted => (ReasonKind::Promoted, None),
        ranking::Reason::Explored => (ReasonKind::Explored, None),
    }
}

/// A report of a player, without what only the origin needs.
pub(crate) fn event(event: &Event) -> qoe::Event {
    playback_event(&event.into())
}

fn playback_event(event: &wire::PlaybackEvent) -> qoe::Event {
    qoe::Event {
        kind: event_kind(event.kind),
        at_unix_ms: event.at_unix_ms,
        sequence: event.sequence,
        position_ms: event.position_ms,
        duration_ms: event.duration_ms,
        kbps: event.kbps,
        top_kbps: event.top_kbps,
        throughput_kbps: event.throughput_kbps,
        buffer_ms: event.buffer_ms,
        latency_ms: event.latency_ms,
        startup_ms: event.startup_ms,
        stalled_ms: event.stalled_ms,
        stalled_more_ms: event.stalled_more_ms,
        buffering_events: event.buffering_events,
        dropped_frames: event.dropped_frames,
        width: event.width,
        height: event.height,
        frame_rate_milli: event.frame_rate_milli,
        codec: event.codec.map(codec),
        screen: event.screen.map(screen),
    }
}

fn event_kind(kind: wire::EventKind) -> qoe::EventKind {
    match kind {
        wire::EventKind::Start => qoe::EventKind::Start,
        wire::EventKind::FirstFrame => qoe::EventKind::FirstFrame,
        wire::EventKind::Heartbeat => qoe::EventKind::Heartbeat,
        wire::EventKind::BufferingStart => qoe::EventKind::BufferingStart,
        wire::EventKind::BufferingEnd => qoe::EventKind::BufferingEnd,
        wire::EventKind::BitrateChange => qoe::EventKind::BitrateChange,
        wire::EventKind::Error => qoe::EventKind::Error,
        wire::EventKind::Stop => qoe::EventKind::Stop,
    }
}

fn codec(codec: wire::Codec) -> qoe::Codec {
    match codec {
        wire::Codec::Avc => qoe::Codec::Avc,
        wire::Codec::Hevc => qoe::Codec::Hevc,
        wire::Codec::Vp9 => qoe::Codec::Vp9,
        wire::Codec::Av1 => qoe::Codec::Av1,
        wire::Codec::Vvc => qoe::Codec::Vvc,
        wire::Codec::Other => qoe::Codec::Other,
    }
}

fn screen(screen: wire::Screen) -> qoe::Screen {
    match screen {
        wire::Screen::Phone => qoe::Screen::Phone,
        wire::Screen::Tablet => qoe::Screen::Tablet,
        wire::Screen::Desktop => qoe::Screen::Desktop,
        wire::Screen::Tv => qoe::Screen::Tv,
    }
}

/// A session so far.
pub(crate) fn summary(summary: &qoe::Summary) -> wire::Summary {
    let pictures = |seen: qoe::Pictures| {
        let qoe::Pictures { mean, recent, worst, falls } = seen;
        wire::Pictures { mean, recent, worst, falls }
    };
    wire::Summary {
        startup_ms: summary.startup_ms,
        played_ms: summary.played_ms,
        stalled_ms: summary.stalled_ms,
        paused_ms: summary.paused_ms,
        sought_ms: summary.sought_ms,
        background_ms: summary.background_ms,
        ads_ms: summary.ads_ms,
        stalls: summary.stalls,
        stall_longest_ms: summary.stall_longest_ms,
        stall_recent_ms: summary.stall_recent_ms,
        stall_ago_ms: summary.stall_ago_ms,
        dropped_frames: summary.dropped_frames,
        errors: summary.errors,
        switches: summary.switches,
        change_kbps: summary.change_kbps,
        change_log: summary.change_log,
        mean_kbps: summary.mean_kbps,
        mean_log: summary.mean_log,
        top_kbps: summary.top_kbps,
        mean_buffer_ms: summary.mean_buffer_ms,
        mean_throughput_kbps: summary.mean_throughput_kbps,
        mean_latency_ms: summary.mean_latency_ms,
        mean_height: summary.mean_height,
        mean_frame_rate: summary.mean_frame_rate,
        mean_bits_per_pixel: summary.mean_bits_per_pixel,
        pictures: summary.pictures.map(pictures),
        upscaling: summary.upscaling.map(|seen| wire::Upscaling { mean: seen.mean, max: seen.max }),
        began_ms: summary.began_ms,
        position_ms: summary.position_ms,
        position_max_ms: summary.position_max_ms,
        duration_ms: summary.duration_ms,
        events: summary.events,
        lost: summary.lost,
        repeated: summary.repeated,
        ended: summary.ended,
        failed: summary.failed,
        screen: summary.screen.map(seen_on),
    }
}

fn seen_on(screen: qoe::Screen) -> wire::Screen {
    match screen {
        qoe::Screen::Phone => wire::Screen::Phone,
        qoe::Screen::Tablet => wire::Screen::Tablet,
        qoe::Screen::Desktop => wire::Screen::Desktop,
        qoe::Screen::Tv => wire::Screen::Tv,
    }
}

/// Its scores.
pub(crate) fn scores(scores: &qoe::Scores) -> wire::Scores {
    wire::Scores {
        session_v1: scores.session_v1,
        window_v1: scores.window_v1,
        rebuffer_ratio: scores.rebuffer_ratio,
        completion: scores.completion,
        qoe_lin_v1: scores.qoe_lin_v1,
        qoe_log_v1: scores.qoe_log_v1,
        mux_style_v1: scores.mux_style_v1,
        spi_style_v1: scores.spi_style_v1.map(verdict),
        mos_v1: scores.mos_v1,
    }
}

fn verdict(verdict: qoe::SpiVerdict) -> wire::SpiVerdict {
    match verdict {
        qoe::SpiVerdict::Good => wire::SpiVerdict::Good,
        qoe::SpiVerdict::FailedToStart => wire::SpiVerdict::FailedToStart,
        qoe::SpiVerdict::LeftBeforeStart => wire::SpiVerdict::LeftBeforeStart,
        qoe::SpiVerdict::SlowStart => wire::SpiVerdict::SlowStart,
        qoe::SpiVerdict::Failed => wire::SpiVerdict::Failed,
        qoe::SpiVerdict::Stalled => wire::SpiVerdict::Stalled,
        qoe::SpiVerdict::LowQuality => wire::SpiVerdict::LowQuality,
    }
}
