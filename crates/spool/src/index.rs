//! Which segments there are, how far they were acknowledged, and which go next.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;

use crate::{Dropped, Lane, Settings, closed, limits};

/// A segment whose content is known.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) epoch: u64,
    pub(crate) first: u64,
    /// Of the last frame; below `first` when there is none.
    pub(crate) last: u64,
    /// What the checksums go on from.
    pub(crate) seed: u32,
    /// Up to the end of the last frame that is synced.
    pub(crate) bytes: u64,
    /// Length of the file: more where what was in it before has not been written over yet.
    pub(crate) file_bytes: u64,
    /// When the file was written to last, as its folder says; 0 while that is not known.
    pub(crate) changed_unix_ns: u64,
    /// Of the newest frame.
    pub(crate) newest_unix_ms: u64,
    /// What it holds, for when it has to be dropped.
    pub(crate) held: Dropped,
    /// Something between its frames is not sound, or it has no header.
    pub(crate) is_damaged: bool,
    /// The writer still adds to it.
    pub(crate) is_open: bool,
}

/// One lane.
#[derive(Debug, Default)]
pub(crate) struct LaneIndex {
    /// Oldest first.
    pub(crate) segments: VecDeque<Segment>,
    /// All frames up to here are with the origin.
    pub(crate) acknowledged: u64,
    /// Of the next frame; always above `acknowledged` and all that is there.
    pub(crate) next: u64,
    pub(crate) dropped: Dropped,
}

impl LaneIndex {
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Notes that all up to this frame of this epoch are stored; false when that says nothing new.
    ///
    /// No further than what the folder holds of that epoch: the origin may know more of it than a folder that was set
    /// back to an old image, and what was stored since then has another epoch.
    pub(crate) fn acknowledge(&mut self, epoch: u64, sequence: u64) -> bool {
        let of_epoch = self.segments.iter().rev().find(|segment| segment.epoch == epoch);
        let Some(last) = of_epoch.map(|segment| segment.last) else { return false };
        let sequence = sequence.min(last);
        let is_news = sequence > self.acknowledged;
        self.acknowledged = self.acknowledged.max(sequence);
        is_news
    }

    /// The segment that holds the first frame above `sequence`.
    pub(crate) fn segment_after(&self, sequence: u64) -> Option<&Segment> {
        // One without frames has no last of its own.
        self.segments.iter().find(|segment| segment.last > sequence && segment.last >= segment.first)
    }

    fn is_acknowledged(&self, segment: &Segment) -> bool {
        segment.last <= self.acknowledged || segment.last < segment.first
    }

    /// Notes that nothing lies behind the last frame of the newest segment any more.
    pub(crate) fn note_cut(&mut self) {
        if let Some(segment) = self.segments.back_mut() {
            segment.file_bytes = segment.bytes;
        }
    }

    /// Notes that not all is sound in the segment that begins with `first`; false when it has gone, and its file may be
    /// another's.
    pub(crate) fn note_damage(&mut self, first: u64) -> bool {
        let known = self.segments.iter_mut().find(|segment| segment.first == first);
        known.map(|segment| segment.is_damaged = true).is_some()
    }

    /// Notes that the newest segment is finished.
    pub(crate) fn note_closed(&mut self) {
        if let Some(segment) = self.segments.back_mut() {
            segment.is_open = false;
            segment.changed_unix_ns =
                fs::metadata(&segment.path).map_or(0, |metadata| closed::changed_unix_ns(&metadata));
        }
    }

    /// The oldest segment, if the writer has finished it.
    fn oldest_closed(&self) -> Option<&Segment> {
        self.segments.front().filter(|segment| !segment.is_open)
    }
}

/// Both lanes.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) lanes: [LaneIndex; 2],
}

/// A segment that is to go.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) lane: Lane,
    pub(crate) segment: Segment,
    /// Frames above this one were not acknowledged.
    pub(crate) acknowledged: u64,
}

impl Index {
    pub(crate) fn lane(&self, lane: Lane) -> &LaneIndex {
        &self.lanes[lane.index()]
    }

    pub(crate) fn lane_mut(&mut self, lane: Lane) -> &mut LaneIndex {
        &mut self.lanes[lane.index()]
    }

    /// All of them.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (Lane, &Segment)> {
        let of = |lane: Lane| self.lane(lane).segments.iter().map(move |segment| (lane, segment));
        Lane::ALL.into_iter().flat_map(of)
    }

    pub(crate) fn acknowledged(&self) -> [u64; 2] {
        [self.lanes[0].acknowledged, self.lanes[1].acknowledged]
    }

    /// Of all files.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.lanes.iter().flat_map(|lane| &lane.segments).map(|segment| segment.file_bytes).sum()
    }

    /// Takes out one segment that has to go before files take `more_bytes` at `now_unix_ms`; none when all is well.
    ///
    /// To make room: first what is acknowledged and only kept for a replay, then events, then records; from the old
    /// end, so that what stays of a lane has no hole.
    pub(crate) fn take_gone(
        &mut self,
        settings: &Settings,
        now_unix_ms: u64,
        more_bytes: u64,
    ) -> Option<Gone> {
        let lane = self.outdated(settings, now_unix_ms).or_else(|| self.in_the_way(settings, more_bytes))?;
        let of = self.lane_mut(lane);
        let acknowledged = of.acknowledged;
        let segment = of.segments.pop_front()?;
        // What has gone is nothing to send; and no later number may fall behind it.
        of.acknowledged = acknowledged.max(segment.last);
        Some(Gone { lane, segment, acknowledged })
    }

    fn outdated(&self, settings: &Settings, now_unix_ms: u64) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| {
            let lane = self.lane(*lane);
            lane.oldest_closed().is_some_and(|segment| {
                let age_ms = now_unix_ms.saturating_sub(segment.newest_unix_ms);
                age_ms > settings.age_ms_max || (lane.is_acknowledged(segment) && age_ms > settings.keep_ms)
            })
        })
    }

    fn in_the_way(&self, settings: &Settings, more_bytes: u64) -> Option<Lane> {
        let segments: usize = self.lanes.iter().map(|lane| lane.segments.len()).sum();
        if self.file_bytes() + more_bytes <= settings.bytes_max && segments <= limits::SEGMENTS_MAX {
            return None;
        }
        let has_closed = |lane: &Lane| self.lane(*lane).oldest_closed().is_some();
        let is_spare = |lane: &Lane| {
            let lane = self.lane(*lane);
            lane.oldest_closed().is_some_and(|segment| lane.is_acknowledged(segment))
        };
        let spare = Lane::ALL.into_iter().find(is_spare);
        spare.or_else(|| [Lane::Events, Lane::Records].into_iter().find(has_closed))
    }
}
