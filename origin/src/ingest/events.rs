//! Events as lines of their table.

use wire::{Codec, Event};

use super::lines::Lines;
use super::prepared::{Place, Source};

pub(super) const COPY: &str = "copy events (day, at, node, epoch, sequence, event_id, session_id, kind, viewer, title,
    region, device, position_ms, duration_ms, kbps, buffer_ms, buffering_events, dropped_frames, error_code,
    report, cdn, top_kbps, throughput_kbps, latency_ms, startup_ms, stalled_ms, stalled_more_ms, width, height,
    frame_rate_milli, codec) from stdin binary";

const FIELDS: i16 = 31;

pub(super) fn write(lines: &mut Lines, source: &Source<'_>, place: Place, event: &Event<'_>) {
    // Taken apart, so that a new field is not forgotten here.
    let Event {
        event_id,
        session_id,
        kind,
        at_unix_ms: _,
        sequence,
        viewer,
        title,
        region,
        device,
        cdn,
        position_ms,
        duration_ms,
        kbps,
        top_kbps,
        throughput_kbps,
        buffer_ms,
        latency_ms,
        startup_ms,
        buffering_events,
        stalled_ms,
        stalled_more_ms,
        dropped_frames,
        width,
        height,
        frame_rate_milli,
        codec,
        error_code,
    } = event;
    let mut line = lines.line(FIELDS);
    line.day(place.day);
    line.moment(place.at);
    line.text(source.node);
    line.wide(source.epoch);
    line.wide(source.sequence);
    line.text(event_id);
    line.text(session_id);
    line.text(kind.name());
    line.maybe_wide(*viewer);
    line.maybe_wide(*title);
    line.maybe_text(region.as_deref());
    line.maybe_text(device.as_deref());
    line.maybe_wide(*position_ms);
    line.maybe_wide(*duration_ms);
    line.maybe_narrow(*kbps);
    line.maybe_wide(*buffer_ms);
    line.maybe_wide(*buffering_events);
    line.maybe_wide(*dropped_frames);
    line.maybe_text(error_code.as_deref());
    line.maybe_wide(*sequence);
    line.maybe_text(cdn.as_deref());
    line.maybe_narrow(*top_kbps);
    line.maybe_narrow(*throughput_kbps);
    line.maybe_wide(*latency_ms);
    line.maybe_wide(*startup_ms);
    line.maybe_wide(*stalled_ms);
    line.maybe_wide(*stalled_more_ms);
    line.maybe_narrow(*width);
    line.maybe_narrow(*height);
    line.maybe_narrow(*frame_rate_milli);
    line.maybe_text(codec.map(Codec::name));
}
