//! What scores read of a summary, and nothing else: so that millions of them are scored in a second.

use units::Millis;

use crate::Summary;

/// What scores read of a [`Summary`], in the units in which they are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// From start to the first frame in milliseconds; none until it came.
    pub startup_ms: Option<u32>,
    /// Time in which the title was shown, in milliseconds.
    pub played_ms: u32,
    /// Time spent waiting, in milliseconds.
    pub stalled_ms: u32,
    /// The longest wait, in milliseconds.
    pub stall_longest_ms: u32,
    /// Waits, each fading as the title goes on, in milliseconds.
    pub stall_recent_ms: u32,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Sizes of the changes of bit rate added up, in kbit/s.
    pub change_kbps: u32,
    /// The sizes of their logarithms' changes, in millionths.
    pub change_log_millionths: u32,
    /// Mean of ln(kbit/s) in millionths; none until a bit rate was reported.
    pub mean_log_millionths: Option<u32>,
    /// Mean bit rate in kbit/s; none until one was reported.
    pub mean_kbps: Option<f64>,
    /// Mean buffer in milliseconds; none until one was reported.
    pub mean_buffer_ms: Option<f64>,
    /// Mean, recent and worst pictures in millionths; none while nothing is known of them.
    pub pictures_millionths: Option<[u32; 3]>,
    /// All falls of the picture added up, in millionths.
    pub falls_millionths: u32,
    /// Mean and farthest upscaling in millionths; none until a height was reported.
    pub upscaling_millionths: Option<[u32; 2]>,
    /// The furthest position, in milliseconds.
    pub position_max_ms: u64,
    /// Length of the title, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether an error was the last thing before the end.
    pub failed: bool,
}

impl From<&Summary> for Figures {
    fn from(summary: &Summary) -> Self {
        Self {
            startup_ms: summary.startup.map(ms),
            played_ms: ms(summary.played),
            stalled_ms: ms(summary.stalled),
            stall_longest_ms: ms(summary.stall_longest),
            stall_recent_ms: ms(summary.stall_recent),
            stalls: summary.stalls,
            dropped_frames: summary.dropped_frames,
            change_kbps: summary.change_kbps,
            change_log_millionths: millionths(summary.change_log),
            mean_log_millionths: summary.mean_log.map(millionths),
            mean_kbps: summary.mean_kbps,
            mean_buffer_ms: summary.mean_buffer_ms,
            pictures_millionths: summary
                .pictures
                .map(|seen| [seen.mean, seen.recent, seen.worst].map(millionths)),
            falls_millionths: summary.pictures.map_or(0, |seen| millionths(seen.falls)),
            upscaling_millionths: summary.upscaling.map(|seen| [seen.mean, seen.max].map(millionths)),
            position_max_ms: summary.position_max.get(),
            duration_ms: summary.duration.map(Millis::get),
            ended: summary.ended,
            failed: summary.failed,
        }
    }
}

/// A session bounds its times to 49 days; longer ones score alike.
fn ms(length: Millis) -> u32 {
    u32::try_from(length.get()).unwrap_or(u32::MAX)
}

/// Rounds; a conversion stops at the largest number, and what is not a number is nothing.
fn millionths(number: f64) -> u32 {
    (number * 1e6 + 0.5) as u32
}
