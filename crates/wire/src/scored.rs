//! Summaries and scores, to the domain and back.

use units::{Kbps, Millis};

use crate::session::{Pictures, Scores, SpiVerdict, Summary, Upscaling};

impl From<qoe::Summary> for Summary {
    fn from(summary: qoe::Summary) -> Self {
        Self {
            // A session bounds its startup to minutes; a longer one would be as bad.
            initial_startup_time_ms: summary
                .startup
                .map(|startup| u32::try_from(startup.get()).unwrap_or(u32::MAX)),
            played_ms: summary.played.get(),
            playback_stall_duration_ms: summary.stalled.get(),
            paused_ms: summary.paused.get(),
            sought_ms: summary.sought.get(),
            background_ms: summary.background.get(),
            ads_ms: summary.ads.get(),
            playback_stall_count: summary.stalls,
            stall_longest_ms: summary.stall_longest.get(),
            stall_recent_ms: summary.stall_recent.get(),
            stall_ago_ms: summary.stall_ago.map(Millis::get),
            dropped_frames: summary.dropped_frames,
            errors: summary.errors,
            switches: summary.switches,
            change_kbps: summary.change_kbps,
            change_log: summary.change_log,
            bits_played: summary.bits_played,
            mean_kbps: summary.mean_kbps,
            mean_log: summary.mean_log,
            top_kbps: summary.top_rate.map(Kbps::get),
            mean_buffer_ms: summary.mean_buffer_ms,
            mean_throughput_kbps: summary.mean_throughput_kbps,
            mean_latency_ms: summary.mean_latency_ms,
            mean_height: summary.mean_height,
            mean_frame_rate: summary.mean_frame_rate,
            mean_bits_per_pixel: summary.mean_bits_per_pixel,
            pictures: summary.pictures.map(Into::into),
            upscaling: summary.upscaling.map(Into::into),
            began_ms: summary.began.map(Millis::get),
            position_ms: summary.position.get(),
            position_max_ms: summary.position_max.get(),
            duration_ms: summary.duration.map(Millis::get),
            events: summary.events,
            lost: summary.lost,
            repeated: summary.repeated,
            ended: summary.ended,
            failed: summary.failed,
            screen: summary.screen.map(Into::into),
        }
    }
}

impl From<&Summary> for qoe::Summary {
    fn from(summary: &Summary) -> Self {
        Self {
            startup: summary.initial_startup_time_ms.map(|ms| Millis::new(u64::from(ms))),
            played: Millis::new(summary.played_ms),
            stalled: Millis::new(summary.playback_stall_duration_ms),
            paused: Millis::new(summary.paused_ms),
            sought: Millis::new(summary.sought_ms),
            background: Millis::new(summary.background_ms),
            ads: Millis::new(summary.ads_ms),
            stalls: summary.playback_stall_count,
            stall_longest: Millis::new(summary.stall_longest_ms),
            stall_recent: Millis::new(summary.stall_recent_ms),
            stall_ago: summary.stall_ago_ms.map(Millis::new),
            dropped_frames: summary.dropped_frames,
            errors: summary.errors,
            switches: summary.switches,
            change_kbps: summary.change_kbps,
            change_log: summary.change_log,
            bits_played: summary.bits_played,
            mean_kbps: summary.mean_kbps,
            mean_log: summary.mean_log,
            top_rate: summary.top_kbps.map(Kbps::new),
            mean_buffer_ms: summary.mean_buffer_ms,
            mean_throughput_kbps: summary.mean_throughput_kbps,
            mean_latency_ms: summary.mean_latency_ms,
            mean_height: summary.mean_height,
            mean_frame_rate: summary.mean_frame_rate,
            mean_bits_per_pixel: summary.mean_bits_per_pixel,
            pictures: summary.pictures.map(Into::into),
            upscaling: summary.upscaling.map(Into::into),
            began: summary.began_ms.map(Millis::new),
            position: Millis::new(summary.position_ms),
            position_max: Millis::new(summary.position_max_ms),
            duration: summary.duration_ms.map(Millis::new),
            events: summary.events,
            lost: summary.lost,
            repeated: summary.repeated,
            ended: summary.ended,
            failed: summary.failed,
            screen: summary.screen.map(Into::into),
        }
    }
}

impl From<qoe::Pictures> for Pictures {
    fn from(seen: qoe::Pictures) -> Self {
        Self { mean: seen.mean, recent: seen.recent, worst: seen.worst, falls: seen.falls }
    }
}

impl From<Pictures> for qoe::Pictures {
    fn from(seen: Pictures) -> Self {
        Self { mean: seen.mean, recent: seen.recent, worst: seen.worst, falls: seen.falls }
    }
}

impl From<qoe::Upscaling> for Upscaling {
    fn from(seen: qoe::Upscaling) -> Self {
        Self { mean: seen.mean, max: seen.max }
    }
}

impl From<Upscaling> for qoe::Upscaling {
    fn from(seen: Upscaling) -> Self {
        Self { mean: seen.mean, max: seen.max }
    }
}

impl From<qoe::Scores> for Scores {
    fn from(scores: qoe::Scores) -> Self {
        Self {
            session_v1: scores.session_v1,
            window_v1: scores.window_v1,
            rebuffer_ratio: scores.rebuffer_ratio,
            completion: scores.completion,
            qoe_lin_v1: scores.qoe_lin_v1,
            qoe_log_v1: scores.qoe_log_v1,
            mux_style_v1: scores.mux_style_v1,
            spi_style_v1: scores.spi_style_v1.map(Into::into),
            mos_v1: scores.mos_v1,
        }
    }
}

impl From<qoe::SpiVerdict> for SpiVerdict {
    fn from(verdict: qoe::SpiVerdict) -> Self {
        match verdict {
            qoe::SpiVerdict::Good => Self::Good,
            qoe::SpiVerdict::FailedToStart => Self::FailedToStart,
            qoe::SpiVerdict::LeftBeforeStart => Self::LeftBeforeStart,
            qoe::SpiVerdict::SlowStart => Self::SlowStart,
            qoe::SpiVerdict::Failed => Self::Failed,
            qoe::SpiVerdict::Stalled => Self::Stalled,
            qoe::SpiVerdict::LowQuality => Self::LowQuality,
        }
    }
}
