//! Messages of `wire` through the components and back.

use frontrow_edge::runtime::{Generation, InvokeError, bitrate, qoe, ranking};
use wire::{
    BitrateDecision, BitrateInput, HomeRequest, PlaybackEvent, Policy, RankedAnswer, RankedPage, RankedPick,
    RankedReason, RankedRow, ReasonKind, RecommendRequest, SessionReport, Why,
};

use crate::shipped::{generation, region};

pub(crate) fn request(request: RecommendRequest) -> ranking::Request {
    ranking::Request {
        history: request.history.unwrap_or_default(),
        exclude: request.exclude,
        k: request.k,
        at_unix_ms: request.at_unix_ms.unwrap_or_default(),
        maturity_max: request.maturity_max,
        seed: request.seed,
    }
}

pub(crate) fn recommend(
    generation: &Generation,
    asked: RecommendRequest,
) -> Result<RankedAnswer, InvokeError> {
    let answer = generation.recommend(&region(), &request(asked))?;
    Ok(RankedAnswer { picks: picks(&answer.picks), eligible: answer.eligible, ranked: answer.ranked })
}

pub(crate) fn home(generation: &Generation, asked: HomeRequest) -> Result<RankedPage, InvokeError> {
    let HomeRequest {
        viewer,
        history,
        in_progress,
        exclude,
        k,
        region: place,
        maturity_max,
        at_unix_ms,
        seed,
    } = asked;
    let list =
        RecommendRequest { viewer, history, exclude, k, region: place, maturity_max, at_unix_ms, seed };
    let progress = |begun: &wire::Progress| ranking::Progress { title: begun.title, share: begun.share };
    let in_progress = in_progress.iter().map(progress).collect();
    let page = generation.home(&region(), &ranking::HomeRequest { request: request(list), in_progress })?;
    let row = |row: &ranking::Row| RankedRow { reason: reason(&row.reason), picks: picks(&row.picks) };
    Ok(RankedPage { rows: page.rows.iter().map(row).collect(), eligible: page.eligible, ranked: page.ranked })
}

fn picks(picks: &[ranking::Pick]) -> Vec<RankedPick> {
    let pick = |pick: &ranking::Pick| RankedPick {
        title: pick.title,
        score: pick.score,
        reason: reason(&pick.reason),
        propensity: pick.propensity,
    };
    picks.iter().map(pick).collect()
}

fn reason(reason: &ranking::Reason) -> RankedReason {
    let (kind, title) = match reason {
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
    };
    RankedReason { kind, title }
}

pub(crate) fn input(input: &BitrateInput) -> bitrate::Input {
    let rung =
        |rung: &wire::Rung| bitrate::Rung { id: rung.id.clone(), height: rung.height, kbps: rung.kbps };
    let rule = |rule: &wire::SpeedRule| bitrate::SpeedRule {
        mbps_min: rule.mbps_min,
        height: rule.height,
        cdn_endpoint: rule.cdn_endpoint.clone().unwrap_or_default(),
    };
    let nothing = wire::Player::default();
    let player = input.player.as_ref().unwrap_or(&nothing);
    let timed = |sample: &wire::Sample| bitrate::Sample {
        kbps: sample.kbps,
        took_ms: sample.took_ms,
        waited_ms: sample.waited_ms,
    };
    let of_speed = |&kbps: &f64| bitrate::Sample { kbps, took_ms: 0, waited_ms: 0 };
    let samples = match player.samples.as_slice() {
        [] => input.samples_kbps.iter().map(of_speed).collect(),
        samples => samples.iter().map(timed).collect(),
    };
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
        policy: match input.policy {
            Policy::SeedRules => bitrate::Policy::SeedRules,
            Policy::Throughput => bitrate::Policy::Throughput,
            Policy::Bola => bitrate::Policy::Bola,
            Policy::Bba => bitrate::Policy::Bba,
            Policy::BolaE => bitrate::Policy::BolaE,
            Policy::Dynamic => bitrate::Policy::Dynamic,
            Policy::RobustMpc => bitrate::Policy::RobustMpc,
            Policy::Flagship => bitrate::Policy::Flagship,
        },
        ladder: input.ladder.iter().map(rung).collect(),
        rules: input.rules.iter().map(rule).collect(),
        samples,
        buffer_ms: input.buffer_ms,
        buffer_max_ms: input.buffer_max_ms,
        segment_ms: input.segment_ms,
        height_max: input.height_max,
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

pub(crate) fn decide(asked: &BitrateInput) -> Result<BitrateDecision, InvokeError> {
    generation().decide(&input(asked)).map(|decision| decided(asked, decision))
}

pub(crate) fn decided(asked: &BitrateInput, decision: bitrate::Decision) -> BitrateDecision {
    let rung = &asked.ladder[decision.rung as usize];
    BitrateDecision {
        rung: decision.rung,
        id: rung.id.clone(),
        height: rung.height,
        kbps: rung.kbps,
        why: match decision.why {
            bitrate::Why::UnknownSpeed => Why::UnknownSpeed,
            bitrate::Why::SpeedRule => Why::SpeedRule,
            bitrate::Why::Throughput => Why::Throughput,
            bitrate::Why::BufferLevel => Why::BufferLevel,
            bitrate::Why::BufferLow => Why::BufferLow,
            bitrate::Why::HeightCap => Why::HeightCap,
            bitrate::Why::DataCap => Why::DataCap,
            bitrate::Why::Plan => Why::Plan,
            bitrate::Why::GoOn => Why::GoOn,
            bitrate::Why::Abandon => Why::Abandon,
        },
        cdn_endpoint: Some(decision.cdn_endpoint).filter(|endpoint| !endpoint.is_empty()),
    }
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
        wire::EventKind::Pause => qoe::EventKind::Pause,
        wire::EventKind::Resume => qoe::EventKind::Resume,
        wire::EventKind::SeekStart => qoe::EventKind::SeekStart,
        wire::EventKind::SeekEnd => qoe::EventKind::SeekEnd,
        wire::EventKind::Background => qoe::EventKind::Background,
        wire::EventKind::Foreground => qoe::EventKind::Foreground,
        wire::EventKind::AdStart => qoe::EventKind::AdStart,
        wire::EventKind::AdEnd => qoe::EventKind::AdEnd,
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

pub(crate) fn fold(state: &[u8], events: &[PlaybackEvent]) -> Result<(Vec<u8>, SessionReport), InvokeError> {
    let events: Vec<qoe::Event> = events.iter().map(playback_event).collect();
    let folded = generation().fold(state, &events)?;
    // The score of a summary is the same by itself.
    let scored = generation().score(&folded.summary)?;
    assert_eq!(report(&folded.summary, &scored), report(&folded.summary, &folded.scores));
    Ok((folded.state, report(&folded.summary, &folded.scores)))
}

fn report(seen: &qoe::Summary, scored: &qoe::Scores) -> SessionReport {
    SessionReport { summary: summary(seen), scores: scores(scored) }
}

fn summary(summary: &qoe::Summary) -> wire::Summary {
    let pictures = |seen: qoe::Pictures| {
        let qoe::Pictures { mean, recent, worst, falls } = seen;
        wire::Pictures { mean, recent, worst, falls }
    };
    wire::Summary {
        initial_startup_time_ms: summary.startup_ms,
        played_ms: summary.played_ms,
        playback_stall_duration_ms: summary.stalled_ms,
        paused_ms: summary.paused_ms,
        sought_ms: summary.sought_ms,
        background_ms: summary.background_ms,
        ads_ms: summary.ads_ms,
        playback_stall_count: summary.stalls,
        stall_longest_ms: summary.stall_longest_ms,
        stall_recent_ms: summary.stall_recent_ms,
        stall_ago_ms: summary.stall_ago_ms,
        dropped_frames: summary.dropped_frames,
        errors: summary.errors,
        switches: summary.switches,
        change_kbps: summary.change_kbps,
        change_log: summary.change_log,
        bits_played: summary.bits_played,
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

fn scores(scores: &qoe::Scores) -> wire::Scores {
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
