//! Between the messages of `wire` and the types of the components.

use release::{RulesEntry, SlateEntry};
use windows::{Sketch, Window};
use wire::{
    BitrateRequest, Dimension, LadderFile, Player, ReasonKind, Rung, SketchRecord, SpeedRule, WindowRecord,
};

use crate::runtime::{bitrate, ranking};

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
    let SlateEntry { lambda, trending_share, new_share, genre_picks_max, promoted_max, .. } = slate;
    let SlateEntry { exploration_place, pinned, promoted, .. } = slate;
    let pinned = pinned.into_iter().map(|pin| ranking::Pin { place: pin.place, title: pin.title }).collect();
    ranking::Slate {
        lambda,
        trending_share,
        new_share,
        genre_picks_max,
        promoted_max,
        exploration_place,
        pinned,
        promoted,
    }
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

/// A window as the origin takes it.
pub(crate) fn window(window: &Window) -> WindowRecord {
    let totals = &window.totals;
    WindowRecord {
        start_unix_ms: window.start.get(),
        length_ms: u32::try_from(windows::limits::WINDOW.get()).unwrap_or(u32::MAX),
        dimension: dimension(window.dimension),
        value: window.value.to_string(),
        sessions: totals.sessions,
        started: totals.started,
        ended: totals.ended,
        failed: totals.failed,
        played_ms: totals.played.get(),
        stalled_ms: totals.stalled.get(),
        stalls: totals.stalls,
        errors: totals.errors,
        switches: totals.switches,
        dropped_frames: totals.dropped_frames,
        rate_sum: totals.rate_sum,
        rated_ms: totals.rated.get(),
        buffer_sum_ms: totals.buffer_sum,
        buffers: totals.buffers,
        completion_ppm_sum: totals.completion_ppm_sum,
        completions: totals.completions,
        completed: totals.completed,
        session_v1_milli_sum: totals.session_v1_milli_sum,
        session_v1s: totals.session_v1s,
        mos_milli_sum: totals.mos_milli_sum,
        moses: totals.moses,
        startup_ms: sketch(&totals.startup),
        rebuffer_ratio_ppm: sketch(&totals.rebuffer_ratio_ppm),
        mean_kbps: sketch(&totals.mean_kbps),
        mos_milli: sketch(&totals.mos_milli),
        window_v1: totals.figures().window_v1,
    }
}

fn sketch(sketch: &Sketch) -> SketchRecord {
    let buckets = sketch.buckets();
    SketchRecord {
        buckets: buckets.iter().map(|bucket| bucket.place).collect(),
        counts: buckets.iter().map(|bucket| bucket.count).collect(),
        sum: sketch.sum(),
        min: sketch.min().unwrap_or_default(),
        max: sketch.max().unwrap_or_default(),
    }
}

fn dimension(dimension: windows::Dimension) -> Dimension {
    match dimension {
        windows::Dimension::All => Dimension::All,
        windows::Dimension::Title => Dimension::Title,
        windows::Dimension::Region => Dimension::Region,
        windows::Dimension::Cdn => Dimension::Cdn,
        windows::Dimension::Device => Dimension::Device,
        windows::Dimension::Generation => Dimension::Generation,
        windows::Dimension::Arm => Dimension::Arm,
    }
}
