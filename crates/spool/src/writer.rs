//! The one thread that writes: takes what waits, writes it, syncs it, answers.

use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::acknowledged::Acknowledged;
use crate::closed;
use crate::device::{Device, Output};
use crate::folder::{SPARE, segment_name};
use crate::index::{Gone, Index, Segment};
use crate::queue::{Append, Done, Queue, Work};
use crate::segment::{self, FRAME_HEAD_BYTES, Head, Header};
use crate::{Dropped, Lane, Notice, Settings, SpoolError, limits};

/// What the writer and the callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: std::path::PathBuf,
    pub(crate) settings: Settings,
    pub(crate) queue: Queue,
    pub(crate) broken: OnceLock<Arc<io::Error>>,
    pub(crate) now_unix_ms: std::sync::atomic::AtomicU64,
    index: Mutex<Index>,
}

impl Shared {
    pub(crate) fn new(
        folder: std::path::PathBuf,
        settings: Settings,
        index: Index,
        now_unix_ms: u64,
    ) -> Self {
        Self {
            folder,
            settings,
            queue: Queue::default(),
            broken: OnceLock::new(),
            now_unix_ms: now_unix_ms.into(),
            index: Mutex::new(index),
        }
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_unix_ms(&self) -> u64 {
        self.now_unix_ms.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// The writer's own.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) device: Box<dyn Device>,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) open: [Option<OpenSegment>; 2],
    pub(crate) spare: Option<Spare>,
}

/// A file that has gone out of use, kept under the name [`SPARE`] to be written over.
///
/// A sync of what lies where something lay before is one write; of a file that grows it is a commit of the file
/// system's journal, and a file that is removed adds to the next of these.
pub(crate) struct Spare {
    bytes: u64,
    /// Of its newest frame.
    newest_unix_ms: u64,
}

/// The segment that a lane is written to.
pub(crate) struct OpenSegment {
    output: Box<dyn Output>,
    bytes: u64,
    /// Up to here the file holds what was in it before.
    reused_bytes: u64,
    created_unix_ms: u64,
    seed: u32,
    /// A power cut leaves its name in the folder.
    is_named: bool,
}

/// Segments that a lane at rest has over the greatest age.
const AGES: u64 = 8;

/// A file is written over if it is within this factor of a segment's length.
const REUSED_SHARE: u64 = 2;

impl Writer {
    /// Until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut rest = Duration::ZERO;
        loop {
            let Work { appends, has_chores, is_last } = self.shared.queue.take(rest);
            rest = Duration::ZERO;
            for (lane, appends) in Lane::ALL.into_iter().zip(appends) {
                if !appends.is_empty() {
                    let frames = u32::try_from(appends.len()).unwrap_or(u32::MAX);
                    rest = rest.max(limits::FRAME_REST.saturating_mul(frames).min(limits::REST_MAX));
                    self.store(lane, appends);
                }
            }
            if has_chores || is_last {
                self.do_chores();
            }
            if is_last {
                Lane::ALL.into_iter().for_each(|lane| self.close(lane));
                self.note_segments();
                self.remove_spare();
                return;
            }
        }
    }

    /// Writes one group and answers all of it.
    fn store(&mut self, lane: Lane, appends: Vec<Append>) {
        if let Some(error) = self.shared.broken.get() {
            let error = SpoolError::Broken(Arc::clone(error));
            appends.into_iter().for_each(|append| answer(append.done, Err(error.clone())));
            return;
        }
        let now_unix_ms = self.shared.now_unix_ms();
        let bytes = appends.iter().map(|append| (FRAME_HEAD_BYTES + append.payload.len()) as u64).sum();
        self.close_if_due(lane, now_unix_ms, bytes);
        self.make_room(now_unix_ms, Some((lane, bytes)));
        // Numbers of a group that fails are not given again: a remainder of it on the disk must not meet its like.
        let first = {
            let mut index = self.shared.index();
            let first = index.lane(lane).next;
            index.lane_mut(lane).next += appends.len() as u64;
            first
        };
        match self.write(lane, first, &appends, bytes, now_unix_ms) {
            Ok(()) => {
                for (sequence, append) in (first..).zip(appends) {
                    answer(append.done, Ok(sequence));
                }
                (self.shared.settings.notify)(Notice::More(lane));
            }
            Err(error) => appends.into_iter().for_each(|append| answer(append.done, Err(error.clone()))),
        }
    }

    fn write(
        &mut self,
        lane: Lane,
        first: u64,
        appends: &[Append],
        bytes: u64,
        now_unix_ms: u64,
    ) -> Result<(), SpoolError> {
        if self.open[lane.index()].is_none() {
            let opened = self.open_segment(lane, first, now_unix_ms);
            self.open[lane.index()] = Some(opened.map_err(|error| SpoolError::Write(Arc::new(error)))?);
        }
        // Opened above if it was not.
        let Some(open) = self.open[lane.index()].as_mut() else { return Err(SpoolError::Closed) };
        let heads: Vec<[u8; FRAME_HEAD_BYTES]> = (first..)
            .zip(appends)
            .map(|(sequence, append)| head(sequence, append).encode(open.seed))
            .collect();
        if let Err(error) = write_all(open, &heads, appends) {
            // What is torn is taken back; if that fails too, nobody knows what the file holds.
            open.reused_bytes = 0;
            return match open.output.cut(open.bytes) {
                Ok(()) => {
                    self.shared.index().lane_mut(lane).note_cut();
                    Err(SpoolError::Write(Arc::new(error)))
                }
                Err(cut) => Err(self.break_down(cut)),
            };
        }
        let synced = open.output.sync();
        let synced = synced.and_then(|()| match open.is_named {
            true => Ok(()),
            false => self.device.sync_folder(&self.shared.folder),
        });
        if let Err(error) = synced {
            // A second sync would succeed without having written anything.
            return Err(self.break_down(error));
        }
        open.is_named = true;
        open.bytes += bytes;
        let OpenSegment { bytes, reused_bytes, .. } = *open;
        let mut index = self.shared.index();
        if let Some(segment) = index.lane_mut(lane).segments.back_mut() {
            segment.last = first + appends.len() as u64 - 1;
            segment.bytes = bytes;
            segment.file_bytes = bytes.max(reused_bytes);
            appends
                .iter()
                .for_each(|append| segment.held.add(Dropped::frame(append.records, &append.payload)));
            segment.newest_unix_ms = appends.last().map_or(now_unix_ms, |append| append.at_unix_ms);
        }
        Ok(())
    }

    fn open_segment(&mut self, lane: Lane, first: u64, now_unix_ms: u64) -> io::Result<OpenSegment> {
        let path = self.shared.folder.join(segment_name(lane, first));
        let epoch = self.shared.settings.epoch;
        let header =
            Header { lane, epoch, first_sequence: first, created_unix_ms: now_unix_ms, reused_bytes: 0 };
        let (output, header) = match self.begin_over(&path, header, now_unix_ms) {
            Some(begun) => begun,
            None => (self.begin_new(&path, &header)?, header),
        };
        let seed = header.seed();
        self.shared.index().lane_mut(lane).segments.push_back(Segment {
            path,
            epoch,
            first,
            last: first - 1,
            seed,
            bytes: segment::HEADER_BYTES as u64,
            file_bytes: u64::from(header.reused_bytes).max(segment::HEADER_BYTES as u64),
            changed_unix_ns: 0,
            newest_unix_ms: now_unix_ms,
            held: Dropped::default(),
            is_damaged: false,
            is_open: true,
        });
        Ok(OpenSegment {
            output,
            bytes: segment::HEADER_BYTES as u64,
            reused_bytes: header.reused_bytes.into(),
            created_unix_ms: now_unix_ms,
            seed,
            is_named: false,
        })
    }

    fn begin_new(&self, path: &Path, header: &Header) -> io::Result<Box<dyn Output>> {
        let mut output = self.device.create(path)?;
        if let Err(error) = write_parts(&mut *output, 0, &mut [IoSlice::new(&header.encode())]) {
            // Its name is never used again, so a remainder does no harm.
            let _ = self.device.remove(path);
            return Err(error);
        }
        Ok(output)
    }

    /// Begins a segment over the spare file, if there is one; its name never stands over another segment's header.
    fn begin_over(
        &mut self,
        path: &Path,
        header: Header,
        now_unix_ms: u64,
    ) -> Option<(Box<dyn Output>, Header)> {
        self.remove_old_spare(now_unix_ms);
        self.spare.take()?;
        let spare = self.shared.folder.join(SPARE);
        let begin = || {
            let (mut output, bytes) = self.device.open(&spare)?;
            let header = Header { reused_bytes: u32::try_from(bytes).map_err(io::Error::other)?, ..header };
            write_parts(&mut *output, 0, &mut [IoSlice::new(&header.encode())])?;
            output.sync()?;
            self.device.rename(&spare, path)?;
            Ok::<_, io::Error>((output, header))
        };
        let begun = begin().ok();
        if begun.is_none() {
            // A new file does as well.
            let _ = self.device.remove(&spare);
        }
        begun
    }

    fn remove_old_spare(&mut self, now_unix_ms: u64) {
        let age_ms_max = self.shared.settings.age_ms_max;
        let is_old = |spare: &Spare| now_unix_ms.saturating_sub(spare.newest_unix_ms) > age_ms_max;
        if self.spare.as_ref().is_some_and(is_old) {
            self.remove_spare();
        }
    }

    fn remove_spare(&mut self) {
        if self.spare.take().is_some() {
            let _ = self.device.remove(&self.shared.folder.join(SPARE));
        }
    }

    /// A segment that is full, or has been written to for long, makes place for the next; so does one that would go by
    /// now if it were not open.
    fn close_if_due(&mut self, lane: Lane, now_unix_ms: u64, bytes: u64) {
        let settings = &self.shared.settings;
        let Some(open) = &self.open[lane.index()] else { return };
        let index = self.shared.index();
        let of = index.lane(lane);
        let acknowledged = of.acknowledged;
        let Some(segment) = of.segments.back() else { return };
        // One that lies over an older one ends where that did, so that it need not grow.
        let is_over = open.reused_bytes > 0 && open.bytes + bytes > open.reused_bytes;
        let is_full = open.bytes >= settings.segment_bytes
            || (is_over && open.bytes >= settings.segment_bytes / REUSED_SHARE);
        // A segment goes as a whole, so what is in it should be of about one age.
        let is_long = now_unix_ms.saturating_sub(open.created_unix_ms) > settings.age_ms_max / AGES;
        let is_spare = segment.last <= acknowledged
            && now_unix_ms.saturating_sub(segment.newest_unix_ms) > settings.keep_ms;
        drop(index);
        if is_full || is_long || is_spare {
            self.close(lane);
            self.note_segments();
        }
    }

    /// Lets nothing stay behind the last frame, where something lay before: in a segment that is not the last of its
    /// lane that would be damage. All frames are synced, so a cut that fails costs none of them.
    fn close(&mut self, lane: Lane) {
        let Some(OpenSegment { mut output, bytes, reused_bytes, .. }) = self.open[lane.index()].take() else {
            return;
        };
        let is_cut = bytes < reused_bytes && output.cut(bytes).and_then(|()| output.sync()).is_ok();
        let mut index = self.shared.index();
        let of = index.lane_mut(lane);
        if is_cut {
            of.note_cut();
        }
        of.note_closed();
    }

    /// Notes what finished segments hold, but those that were found damaged. What is not noted is read when the spool is
    /// opened, as what a broken disk made of it has to be.
    fn note_segments(&self) {
        if self.shared.broken.get().is_none() {
            let noted = closed::encode(self.shared.index().segments());
            let _ = closed::write(&self.shared.folder, &noted);
        }
    }

    /// Writes down what was acknowledged and removes what is old.
    fn do_chores(&mut self) {
        if self.shared.broken.get().is_some() {
            return;
        }
        let acknowledged = self.shared.index().acknowledged();
        // Forgetting it only sends frames again.
        let _ = self.acknowledged.write(acknowledged);
        let now_unix_ms = self.shared.now_unix_ms();
        for lane in Lane::ALL {
            self.close_if_due(lane, now_unix_ms, 0);
        }
        self.make_room(now_unix_ms, None);
        self.remove_old_spare(now_unix_ms);
    }

    /// Lets go of what is old, and of what is in the way of so many bytes of a lane.
    fn make_room(&mut self, now_unix_ms: u64, coming: Option<(Lane, u64)>) {
        // Whose next segment could be written over what goes.
        let begins = coming.is_none_or(|(lane, _)| self.open[lane.index()].is_none());
        loop {
            let more_bytes = self.growth(coming) + self.spare.as_ref().map_or(0, |spare| spare.bytes);
            let gone = self.shared.index().take_gone(&self.shared.settings, now_unix_ms, more_bytes);
            let Some(gone) = gone else { return };
            let dropped = count(&gone);
            self.let_go(&gone.segment, begins);
            if dropped == Dropped::default() {
                continue;
            }
            self.shared.index().lane_mut(gone.lane).dropped.add(dropped);
            (self.shared.settings.notify)(Notice::Dropped { lane: gone.lane, dropped });
        }
    }

    /// By how much files grow when so many bytes of a lane are written. A segment that begins counts as a whole: what
    /// would go for its end goes for its beginning, and can be written over.
    fn growth(&self, coming: Option<(Lane, u64)>) -> u64 {
        let Some((lane, bytes)) = coming else { return 0 };
        match &self.open[lane.index()] {
            Some(open) => (open.bytes + bytes).saturating_sub(open.reused_bytes.max(open.bytes)),
            None => {
                let spare = self.spare.as_ref().map_or(0, |spare| spare.bytes);
                bytes.max(self.shared.settings.segment_bytes).saturating_sub(spare)
            }
        }
    }

    /// Keeps one file to be written over if a segment begins, and removes the others. How old it is, is asked before it
    /// is used.
    fn let_go(&mut self, segment: &Segment, begins: bool) {
        let settings = &self.shared.settings;
        // Files of other lengths are of other settings, or of segments that were closed early.
        let lengths = settings.segment_bytes / REUSED_SHARE..=settings.segment_bytes * REUSED_SHARE;
        let is_of_use = begins && self.spare.is_none() && lengths.contains(&segment.file_bytes);
        if is_of_use && !segment.is_damaged {
            let spare = self.shared.folder.join(SPARE);
            if self.device.rename(&segment.path, &spare).is_ok() {
                let Segment { file_bytes: bytes, newest_unix_ms, .. } = *segment;
                self.spare = Some(Spare { bytes, newest_unix_ms });
                return;
            }
        }
        // A file that cannot be removed is found again when the spool is opened.
        let _ = self.device.remove(&segment.path);
    }

    fn break_down(&self, error: io::Error) -> SpoolError {
        let error = SpoolError::Broken(Arc::clone(self.shared.broken.get_or_init(|| Arc::new(error))));
        (self.shared.settings.notify)(Notice::Broken(error.clone()));
        error
    }
}

/// One caller's mistake must not end the writing for all others.
fn answer(done: Done, result: Result<u64, SpoolError>) {
    let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
}

/// What was not acknowledged of a segment that goes.
fn count(gone: &Gone) -> Dropped {
    let mut dropped = Dropped::default();
    if gone.segment.last <= gone.acknowledged {
        return dropped;
    }
    // Nearly always: reading it again would hold up all who wait for the disk.
    if gone.segment.first > gone.acknowledged {
        return gone.segment.held;
    }
    let Ok(bytes) = std::fs::read(&gone.segment.path) else { return dropped };
    let Ok((_, items)) = segment::frames(&bytes) else { return dropped };
    for item in items {
        if let segment::Item::Frame(found) = item
            && found.sequence > gone.acknowledged
        {
            dropped.add(Dropped::frame(found.records, found.payload));
        }
    }
    dropped
}

fn head(sequence: u64, append: &Append) -> Head {
    Head {
        // Longer payloads were refused.
        payload_bytes: append.payload.len() as u32,
        records: append.records,
        sequence,
        at_unix_ms: append.at_unix_ms,
        payload_sum: append.payload_sum,
    }
}

fn write_all(open: &mut OpenSegment, heads: &[[u8; FRAME_HEAD_BYTES]], appends: &[Append]) -> io::Result<()> {
    const FRAMES: usize = limits::WRITE_PARTS_MAX / 2;
    let mut at = open.bytes;
    for (heads, appends) in heads.chunks(FRAMES).zip(appends.chunks(FRAMES)) {
        let frames = heads.iter().zip(appends);
        let mut parts: Vec<IoSlice<'_>> =
            frames.flat_map(|(head, append)| [IoSlice::new(head), IoSlice::new(&append.payload)]).collect();
        at = write_parts(&mut *open.output, at, &mut parts)?;
    }
    // Of a page that is written over in part the kernel would have to read the rest first.
    let rest = open.reused_bytes.saturating_sub(at).min(at.next_multiple_of(PAGE_BYTES) - at) as usize;
    write_parts(&mut *open.output, at, &mut [IoSlice::new(&ZEROS[..rest])]).map(drop)
}

const PAGE_BYTES: u64 = 4 << 10;
const ZEROS: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];

/// Writes all parts from `at` on; returns where they end.
fn write_parts(output: &mut dyn Output, mut at: u64, mut parts: &mut [IoSlice<'_>]) -> io::Result<u64> {
    // Empty ones at the front would look like a disk that takes nothing.
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match output.write(at, parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                at += written as u64;
                IoSlice::advance_slices(&mut parts, written);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}
