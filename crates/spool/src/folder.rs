//! Opens the folder of a spool: one process only, torn ends cut off, damage counted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::acknowledged::{self, Acknowledged};
use crate::closed::{self, Closed};
use crate::index::{Index, LaneIndex, Segment};
use crate::segment::{self, Header, Item};
use crate::{Dropped, Lane, SpoolError, limits};

/// What was found when a spool was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Frames of both lanes: sound ones, and those of finished segments that are as they were noted.
    pub frames: u64,
    /// The records in them.
    pub records: u64,
    /// Frames that are still to be sent.
    pub unacknowledged_frames: u64,
    /// What was being written when the process ended, never acknowledged: cut off the end of the last segments, or
    /// between frames where it was written over older ones. What lay there before does not count.
    pub torn_bytes: u64,
    /// Between sound frames, or at the end of a segment that is not the last: skipped.
    pub damaged_bytes: u64,
    /// Segments without a sound header: nothing of them is read.
    pub damaged_segments: u64,
    /// Files that do not belong here, by name; left alone.
    pub odd_files: Vec<String>,
    /// All of them, named or not.
    pub odd_files_count: u64,
}

/// An opened folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) index: Index,
    pub(crate) acknowledged: Acknowledged,
    // Held as long as the spool lives; the system lets it go with the process, however that ends.
    pub(crate) lock: File,
}

const LOCK: &str = "lock";

/// Name of a file that is kept to be written over.
pub(crate) const SPARE: &str = "spare";

/// Name of a segment.
pub(crate) fn segment_name(lane: Lane, first_sequence: u64) -> String {
    format!("{}-{first_sequence:020}.seg", lane.name())
}

fn parse_name(name: &str) -> Option<(Lane, u64)> {
    let (lane, number) = name.strip_suffix(".seg")?.split_once('-')?;
    let lane = Lane::ALL.into_iter().find(|known| known.name() == lane)?;
    let number = number.parse().ok()?;
    (segment_name(lane, number) == name && number > 0 && number < u64::MAX / 2).then_some((lane, number))
}

/// Reads what is there, but for finished segments that are as they were noted.
pub(crate) fn open(path: &Path, now_unix_ms: u64) -> Result<(Folder, Recovered), SpoolError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| SpoolError::Folder { path, source: Arc::new(source) }
    };
    fs::create_dir_all(path).map_err(refused(path))?;
    let lock = lock(path)?;
    let (acknowledged, sequences) = Acknowledged::open(path).map_err(refused(path))?;
    let mut recovered = Recovered::default();
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(refused(path))? {
        let entry = entry.map_err(refused(path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata().map_err(refused(path))?;
        match parse_name(&name).filter(|_| metadata.is_file() && metadata.len() <= FILE_BYTES_MAX) {
            Some((lane, first)) => names.push((lane, first)),
            None if [LOCK, acknowledged::NAME, closed::NAME, closed::NEW].contains(&&*name) => (),
            None if name == SPARE && metadata.is_file() => {
                fs::remove_file(entry.path()).map_err(refused(path))?;
            }
            None => recovered.note_odd(name),
        }
    }
    names.sort_unstable();
    let closed = Closed::read(path);
    let mut index = Index::default();
    for lane in Lane::ALL {
        let firsts: Vec<u64> = names.iter().filter(|(of, _)| *of == lane).map(|(_, first)| *first).collect();
        let of = index.lane_mut(lane);
        of.acknowledged = sequences[lane.index()];
        of.next = of.acknowledged + 1;
        for (place, first) in firsts.iter().enumerate() {
            let file = path.join(segment_name(lane, *first));
            let is_last = place + 1 == firsts.len();
            let noted = closed.find(&file, lane, *first).map_err(refused(&file))?;
            let noted = noted.filter(|segment| of.continues_with(segment) && recovered.note(segment, of));
            let segment = match noted {
                Some(segment) => Some(segment),
                None => scan(&file, lane, *first, is_last, of, now_unix_ms, &mut recovered)
                    .map_err(refused(&file))?,
            };
            of.next = of.next.max(first + 1);
            if let Some(segment) = segment {
                of.next = of.next.max(segment.last + 1);
                of.segments.push_back(segment);
            }
        }
    }
    // Those that had to be read need not be next time.
    let _ = closed::write(path, &closed::encode(index.segments()));
    // Cuts and removals above, and the folder itself.
    File::open(path).and_then(|folder| folder.sync_all()).map_err(refused(path))?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(refused(parent))?;
    }
    Ok((Folder { path: path.to_owned(), index, acknowledged, lock }, recovered))
}

/// A segment that is closed when it is full, a group above it, and room for one large frame.
const FILE_BYTES_MAX: u64 = limits::SEGMENT_BYTES_MAX + 2 * (limits::GROUP_BYTES_MAX as u64 + (1 << 20));

/// A group in a segment: its payloads and their heads.
const GROUP_FILE_BYTES_MAX: usize =
    limits::GROUP_BYTES_MAX + limits::GROUP_FRAMES_MAX * segment::FRAME_HEAD_BYTES;

fn lock(folder: &Path) -> Result<File, SpoolError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let refused = |source| SpoolError::Folder { path: path.clone(), source: Arc::new(source) };
    let file = file.map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}

/// Reads a segment once; none if there is nothing in it, and then it is removed.
fn scan(
    path: &Path,
    lane: Lane,
    first: u64,
    is_last: bool,
    of: &LaneIndex,
    now_unix_ms: u64,
    recovered: &mut Recovered,
) -> io::Result<Option<Segment>> {
    let changed_unix_ns = closed::changed_unix_ns(&fs::metadata(path)?);
    let bytes = fs::read(path)?;
    if bytes.len() <= segment::HEADER_BYTES {
        // Made, but nothing was written into it that anyone was told of.
        recovered.torn_bytes += bytes.len() as u64;
        fs::remove_file(path)?;
        return Ok(None);
    }
    let mut segment = Segment {
        path: path.to_owned(),
        epoch: u64::MAX,
        first,
        last: first - 1,
        seed: 0,
        bytes: bytes.len() as u64,
        file_bytes: bytes.len() as u64,
        changed_unix_ns,
        newest_unix_ms: now_unix_ms,
        held: Dropped::default(),
        is_damaged: true,
        is_open: false,
    };
    let is_ours = |header: &Header| header.lane == lane && header.first_sequence == first;
    if Header::decode(&bytes).is_ok_and(|header| header.reused_bytes > 0 && !is_ours(&header)) {
        // Begun over what had gone, and a power cut took its name back: nobody was told of a frame in it.
        fs::remove_file(path)?;
        return Ok(None);
    }
    // A name below what came before it would give frames a second life.
    let sound = segment::frames(&bytes).ok().filter(|(header, _)| is_ours(header) && first >= of.next_free());
    let Some((header, items)) = sound else {
        // Stays until it is old: somebody may want to look at it.
        recovered.damaged_segments += 1;
        return Ok(Some(segment));
    };
    segment.epoch = header.epoch;
    segment.seed = header.seed();
    segment.is_damaged = false;
    let mut end = segment::HEADER_BYTES;
    let mut gaps = Vec::new();
    for item in items {
        match item {
            Item::Frame(found) => {
                segment.last = found.sequence;
                segment.newest_unix_ms = found.at_unix_ms;
                end = found.end;
                segment.held.add(Dropped::frame(found.records, found.payload));
                recovered.frames += 1;
                recovered.records += u64::from(found.records);
                recovered.unacknowledged_frames += u64::from(found.sequence > of.acknowledged);
            }
            Item::Damaged { bytes } => {
                segment.is_damaged = true;
                gaps.push((end, bytes as u64));
            }
            Item::Tail { .. } if is_last => {
                recovered.torn_bytes +=
                    bytes.len().saturating_sub(end.max(header.reused_bytes as usize)) as u64;
            }
            Item::Tail { bytes } => recovered.damaged_bytes += bytes as u64,
        }
    }
    segment.bytes = end as u64;
    recovered.note_gaps(&gaps, end, is_last && header.reused_bytes > 0);
    if is_last { finish(segment) } else { Ok(Some(segment)) }
}

/// Takes away what is behind the last frame, and makes what is before it last; without a frame the file goes.
///
/// What a killed process had written and not synced is as good as what it had, now that somebody has seen it. It is not
/// noted yet: where a sync had failed, the disk may hold something else than memory, and a later opening may see that.
fn finish(mut segment: Segment) -> io::Result<Option<Segment>> {
    if segment.bytes == segment::HEADER_BYTES as u64 {
        fs::remove_file(&segment.path)?;
        return Ok(None);
    }
    let file = OpenOptions::new().write(true).open(&segment.path)?;
    if segment.bytes < segment.file_bytes {
        file.set_len(segment.bytes)?;
        segment.file_bytes = segment.bytes;
    }
    file.sync_all()?;
    segment.changed_unix_ns = 0;
    Ok(Some(segment))
}

impl LaneIndex {
    /// Above all frames that were read so far.
    fn next_free(&self) -> u64 {
        self.segments.back().map_or(0, |segment| segment.last + 1)
    }

    /// Whether a segment gives no frame a second life.
    fn continues_with(&self, segment: &Segment) -> bool {
        segment.first >= self.next_free()
    }
}

impl Recovered {
    /// Counts a segment that is not read; false, and nothing, where it takes reading to tell what is still to be sent.
    fn note(&mut self, segment: &Segment, of: &LaneIndex) -> bool {
        let waiting = match of.acknowledged {
            acknowledged if acknowledged < segment.first => segment.held.frames,
            acknowledged if acknowledged >= segment.last => 0,
            _ => return false,
        };
        self.frames += segment.held.frames;
        self.records += segment.held.records;
        self.unacknowledged_frames += waiting;
        true
    }

    /// Counts what is no frame between frames: where it begins, and how long it is.
    fn note_gaps(&mut self, gaps: &[(usize, u64)], end: usize, is_over_another: bool) {
        for &(at, bytes) in gaps {
            // Of a group that is written over older bytes, the end may be on the disk before the beginning.
            let is_torn = is_over_another && end - at <= GROUP_FILE_BYTES_MAX;
            *(if is_torn { &mut self.torn_bytes } else { &mut self.damaged_bytes }) += bytes;
        }
    }

    fn note_odd(&mut self, name: String) {
        self.odd_files_count += 1;
        if self.odd_files.len() < limits::ODD_FILES_MAX {
            self.odd_files.push(name);
        }
    }
}
