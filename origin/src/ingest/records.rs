//! Sessions, windows and decisions as lines of their tables.

use wire::{
    Decided, DecisionRecord, Pictures, Policy, ReasonKind, Scores, Screen, SessionRecord, Shown,
    SketchRecord, SpiVerdict, Summary, Upscaling, Why, WindowRecord,
};

use super::lines::{Line, Lines};
use super::prepared::{Place, Source};
use crate::database::Moment;

pub(super) const COPY_SESSIONS: &str = "copy sessions (day, node, session_id, viewer, title, region, device, cdn,
    generation, started_at, ended_at, initial_startup_time_ms, played_ms, playback_stall_duration_ms, paused_ms,
    sought_ms, background_ms, ads_ms, playback_stall_count, stall_longest_ms, stall_recent_ms, stall_ago_ms,
    dropped_frames, errors, switches, change_kbps, change_log, bits_played, mean_kbps, mean_log, top_kbps,
    mean_buffer_ms, mean_throughput_kbps, mean_latency_ms, mean_height, mean_frame_rate, mean_bits_per_pixel,
    pictures_mean, pictures_recent, pictures_worst, pictures_falls, upscaling_mean, upscaling_max, began_ms,
    position_ms, position_max_ms, duration_ms, events, lost, repeated, ended, failed, screen, session_v1, window_v1,
    rebuffer_ratio, completion, qoe_lin_v1, qoe_log_v1, mux_style_v1, spi_style_v1, mos_v1) from stdin binary";

pub(super) fn write_session(lines: &mut Lines, source: &Source<'_>, place: Place, session: &SessionRecord) {
    let SessionRecord {
        session_id,
        viewer,
        title,
        region,
        device,
        cdn,
        generation,
        started_unix_ms,
        ended_unix_ms: _,
        summary,
        scores,
    } = session;
    let mut line = lines.line(62);
    line.day(place.day);
    line.text(source.node);
    line.text(session_id);
    line.maybe_wide(*viewer);
    line.maybe_wide(*title);
    line.maybe_text(region.as_deref());
    line.maybe_text(device.as_deref());
    line.maybe_text(cdn.as_deref());
    line.wide(*generation);
    line.moment(Moment::from_unix_ms(*started_unix_ms));
    line.moment(place.at);
    write_summary(&mut line, summary);
    let Scores {
        session_v1,
        window_v1,
        rebuffer_ratio,
        completion,
        qoe_lin_v1,
        qoe_log_v1,
        mux_style_v1,
        spi_style_v1,
        mos_v1,
    } = scores;
    line.double(*session_v1);
    line.double(*window_v1);
    line.double(*rebuffer_ratio);
    line.maybe_double(*completion);
    line.maybe_double(*qoe_lin_v1);
    line.maybe_double(*qoe_log_v1);
    line.double(*mux_style_v1);
    line.maybe_text(spi_style_v1.map(spi_name));
    line.maybe_double(*mos_v1);
}

fn write_summary(line: &mut Line<'_>, summary: &Summary) {
    let Summary {
        initial_startup_time_ms,
        played_ms,
        playback_stall_duration_ms,
        paused_ms,
        sought_ms,
        background_ms,
        ads_ms,
        playback_stall_count,
        stall_longest_ms,
        stall_recent_ms,
        stall_ago_ms,
        dropped_frames,
        errors,
        switches,
        change_kbps,
        change_log,
        bits_played,
        mean_kbps,
        mean_log,
        top_kbps,
        mean_buffer_ms,
        mean_throughput_kbps,
        mean_latency_ms,
        mean_height,
        mean_frame_rate,
        mean_bits_per_pixel,
        pictures,
        upscaling,
        began_ms,
        position_ms,
        position_max_ms,
        duration_ms,
        events,
        lost,
        repeated,
        ended,
        failed,
        screen,
    } = summary;
    line.maybe_wide(*initial_startup_time_ms);
    for time in [played_ms, playback_stall_duration_ms, paused_ms, sought_ms, background_ms, ads_ms] {
        line.wide(*time);
    }
    line.wide(*playback_stall_count);
    [stall_longest_ms, stall_recent_ms].into_iter().for_each(|time| line.wide(*time));
    line.maybe_wide(*stall_ago_ms);
    for number in [dropped_frames, errors, switches, change_kbps] {
        line.wide(*number);
    }
    line.double(*change_log);
    line.wide(*bits_played);
    line.maybe_double(*mean_kbps);
    line.maybe_double(*mean_log);
    line.maybe_wide(*top_kbps);
    line.maybe_double(*mean_buffer_ms);
    for mean in [mean_throughput_kbps, mean_latency_ms, mean_height, mean_frame_rate, mean_bits_per_pixel] {
        line.maybe_double(*mean);
    }
    write_pictures(line, *pictures, *upscaling);
    line.maybe_wide(*began_ms);
    line.wide(*position_ms);
    line.wide(*position_max_ms);
    line.maybe_wide(*duration_ms);
    for number in [events, lost, repeated] {
        line.wide(*number);
    }
    line.flag(*ended);
    line.flag(*failed);
    line.maybe_text(screen.map(screen_name));
}

fn write_pictures(line: &mut Line<'_>, pictures: Option<Pictures>, upscaling: Option<Upscaling>) {
    let pictures = pictures.map(|Pictures { mean, recent, worst, falls }| [mean, recent, worst, falls]);
    (0..4).for_each(|figure| line.maybe_double(pictures.map(|figures| figures[figure])));
    let upscaling = upscaling.map(|Upscaling { mean, max }| [mean, max]);
    (0..2).for_each(|figure| line.maybe_double(upscaling.map(|figures| figures[figure])));
}

pub(super) const COPY_WINDOWS: &str = "copy windows (day, start_at, length_ms, node, dimension, value, sessions,
    started, ended, failed, played_ms, stalled_ms, stalls, errors, switches, dropped_frames, rate_sum, rated_ms,
    buffer_sum_ms, buffers, completion_ppm_sum, completions, completed, session_v1_milli_sum, session_v1s,
    mos_milli_sum, moses, startup_buckets, startup_counts, startup_sum_ms, startup_min_ms, startup_max_ms,
    rebuffer_buckets, rebuffer_counts, rebuffer_sum_ppm, rebuffer_min_ppm, rebuffer_max_ppm,
    bitrate_buckets, bitrate_counts, bitrate_sum_kbps, bitrate_min_kbps, bitrate_max_kbps,
    mos_buckets, mos_counts, mos_sum_milli, mos_min_milli, mos_max_milli, window_v1) from stdin binary";

pub(super) fn write_window(lines: &mut Lines, source: &Source<'_>, place: Place, window: &WindowRecord) {
    let WindowRecord {
        start_unix_ms: _,
        length_ms,
        dimension,
        value,
        sessions,
        started,
        ended,
        failed,
        played_ms,
        stalled_ms,
        stalls,
        errors,
        switches,
        dropped_frames,
        rate_sum,
        rated_ms,
        buffer_sum_ms,
        buffers,
        completion_ppm_sum,
        completions,
        completed,
        session_v1_milli_sum,
        session_v1s,
        mos_milli_sum,
        moses,
        startup_ms,
        rebuffer_ratio_ppm,
        mean_kbps,
        mos_milli,
        window_v1,
    } = window;
    let mut line = lines.line(48);
    line.day(place.day);
    line.moment(place.at);
    line.narrow(*length_ms);
    line.text(source.node);
    line.text(dimension.name());
    line.text(value);
    for sum in [
        sessions,
        started,
        ended,
        failed,
        played_ms,
        stalled_ms,
        stalls,
        errors,
        switches,
        dropped_frames,
        rate_sum,
        rated_ms,
        buffer_sum_ms,
        buffers,
        completion_ppm_sum,
        completions,
        completed,
        session_v1_milli_sum,
        session_v1s,
        mos_milli_sum,
        moses,
    ] {
        line.wide(*sum);
    }
    let sketches = [startup_ms, rebuffer_ratio_ppm, mean_kbps, mos_milli];
    sketches.into_iter().for_each(|sketch| write_sketch(&mut line, sketch));
    line.maybe_double(*window_v1);
}

fn write_sketch(line: &mut Line<'_>, sketch: &SketchRecord) {
    let SketchRecord { buckets, counts, sum, min, max } = sketch;
    line.narrow_array(buckets);
    line.wide_array(counts);
    for number in [sum, min, max] {
        line.wide(*number);
    }
}

pub(super) const COPY_EXPOSURES: &str =
    "copy exposures (day, at, node, generation, request_id, region, viewer, seed,
    title, \"row\", place, reason, propensity) from stdin binary";

pub(super) const COPY_BITRATES: &str =
    "copy bitrate_decisions (day, at, node, generation, request_id, region, viewer,
    policy, kbps, why) from stdin binary";

/// A line a title that was shown, or one for a bit rate.
pub(super) fn write_decision(
    exposures: &mut Lines,
    bitrates: &mut Lines,
    source: &Source<'_>,
    place: Place,
    decision: &DecisionRecord,
) {
    let DecisionRecord { at_unix_ms: _, generation, request_id, region, viewer, decided } = decision;
    let begin = |line: &mut Line<'_>| {
        line.day(place.day);
        line.moment(place.at);
        line.text(source.node);
        line.wide(*generation);
        line.text(request_id);
        line.text(region);
        line.maybe_wide(*viewer);
    };
    match decided {
        Decided::Titles { seed, shown } => {
            for Shown { title, row, place, reason, propensity } in shown {
                let mut line = exposures.line(13);
                begin(&mut line);
                line.maybe_wide(*seed);
                line.wide(*title);
                line.small(*row);
                line.narrow(*place);
                line.text(reason_name(*reason));
                line.maybe_single(*propensity);
            }
        }
        Decided::Bitrate { policy, kbps, why } => {
            let mut line = bitrates.line(10);
            begin(&mut line);
            line.text(policy_name(*policy));
            line.narrow(*kbps);
            line.text(why_name(*why));
        }
    }
}

// Names as they are in messages; a test compares them.

fn reason_name(reason: ReasonKind) -> &'static str {
    match reason {
        ReasonKind::BecauseYouWatched => "because-you-watched",
        ReasonKind::PickedForYou => "picked-for-you",
        ReasonKind::PopularForNewViewer => "popular-for-new-viewer",
        ReasonKind::PopularWithoutMatch => "popular-without-match",
        ReasonKind::PopularToFill => "popular-to-fill",
        ReasonKind::ContinueWatching => "continue-watching",
        ReasonKind::Trending => "trending",
        ReasonKind::New => "new",
        ReasonKind::Pinned => "pinned",
        ReasonKind::Promoted => "promoted",
        ReasonKind::Explored => "explored",
    }
}

fn policy_name(policy: Policy) -> &'static str {
    match policy {
        Policy::SeedRules => "seed-rules",
        Policy::Throughput => "throughput",
        Policy::Bola => "bola",
        Policy::Bba => "bba",
        Policy::BolaE => "bola-e",
        Policy::Dynamic => "dynamic",
        Policy::RobustMpc => "robust-mpc",
        Policy::Flagship => "flagship",
    }
}

fn why_name(why: Why) -> &'static str {
    match why {
        Why::UnknownSpeed => "unknown-speed",
        Why::SpeedRule => "speed-rule",
        Why::Throughput => "throughput",
        Why::BufferLevel => "buffer-level",
        Why::BufferLow => "buffer-low",
        Why::HeightCap => "height-cap",
        Why::DataCap => "data-cap",
        Why::Plan => "plan",
        Why::GoOn => "go-on",
        Why::Abandon => "abandon",
    }
}

fn spi_name(verdict: SpiVerdict) -> &'static str {
    match verdict {
        SpiVerdict::Good => "good",
        SpiVerdict::FailedToStart => "failed-to-start",
        SpiVerdict::LeftBeforeStart => "left-before-start",
        SpiVerdict::SlowStart => "slow-start",
        SpiVerdict::Failed => "failed",
        SpiVerdict::Stalled => "stalled",
        SpiVerdict::LowQuality => "low-quality",
    }
}

fn screen_name(screen: Screen) -> &'static str {
    match screen {
        Screen::Phone => "phone",
        Screen::Tablet => "tablet",
        Screen::Desktop => "desktop",
        Screen::Tv => "tv",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What serde writes is what readers of messages know.
    fn check<T: serde::Serialize + Copy>(values: &[T], name: fn(T) -> &'static str) {
        for value in values {
            assert_eq!(serde_json::to_value(value).unwrap(), serde_json::Value::from(name(*value)));
        }
    }

    #[test]
    fn names_are_those_of_messages() {
        use ReasonKind as R;
        check(
            &[R::BecauseYouWatched, R::PickedForYou, R::PopularForNewViewer, R::PopularWithoutMatch],
            reason_name,
        );
        check(&[R::PopularToFill, R::ContinueWatching, R::Trending, R::New], reason_name);
        check(&[R::Pinned, R::Promoted, R::Explored], reason_name);
        use Policy as P;
        check(&[P::SeedRules, P::Throughput, P::Bola, P::Bba, P::BolaE, P::Dynamic], policy_name);
        check(&[P::RobustMpc, P::Flagship], policy_name);
        check(
            &[Why::UnknownSpeed, Why::SpeedRule, Why::Throughput, Why::BufferLevel, Why::BufferLow],
            why_name,
        );
        use SpiVerdict as S;
        check(
            &[S::Good, S::FailedToStart, S::LeftBeforeStart, S::SlowStart, S::Failed, S::Stalled],
            spi_name,
        );
        check(&[S::LowQuality], spi_name);
        check(&[Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv], screen_name);
        check(&[Why::HeightCap, Why::DataCap, Why::Plan, Why::GoOn, Why::Abandon], why_name);
    }
}
