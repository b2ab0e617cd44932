//! Every bound of the node: its unit and the harm it stops.

use std::num::NonZeroUsize;
use std::time::Duration;

use units::Millis;

// Runtime.

/// Invocations at once unless configured: more than two cores can use, few enough to keep memory small.
pub const INVOCATIONS_DEFAULT: u32 = 64;
/// More would reserve more address space than a process has.
pub const INVOCATIONS_MAX: u32 = 4_096;
/// Time of an invocation unless configured: a looping guest gives its thread back after it.
pub const DEADLINE_DEFAULT: Duration = Duration::from_millis(100);
/// A shorter deadline is below the clock's tick.
pub const DEADLINE_MIN: Duration = Duration::from_millis(1);
/// A longer one would let a few looping guests hold every thread.
pub const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// Memory of an instance unless configured: a guest that allocates without end stops here.
pub const MEMORY_BYTES_DEFAULT: usize = 256 << 20;
/// Below it no component of ours starts.
pub const MEMORY_BYTES_MIN: usize = 1 << 20;
/// Above it a handful of instances would fill a node.
pub const MEMORY_BYTES_MAX: usize = 1 << 30;
/// What was computed for histories that may go on, unless configured: some hundred viewers of a standard tower; without
/// a limit every viewer ever seen would stay.
pub const ENCODER_STATES_BYTES_DEFAULT: usize = 32 << 20;
/// Above it they would crowd out everything else of a node, in MiB.
pub const ENCODER_STATES_MIB_MAX: u64 = 65_536;
/// A finer tick would wake a processor for nothing.
pub const EPOCH_TICK_MIN: Duration = Duration::from_millis(1);
/// A coarser one would let the short calls of a node with a long deadline run on.
pub const EPOCH_TICK_MAX: Duration = Duration::from_millis(100);
/// Time a component may take to read its files unless configured: a release that loops there is refused, not waited for.
pub const LOAD_DEADLINE_DEFAULT: Duration = Duration::from_secs(30);
/// A longer component is refused before it is parsed: compiling takes memory by the byte.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// What a guest may hand to the host in one call; more would let it fill the host's memory.
pub const HOSTCALL_BYTES_MAX: usize = 16 << 20;
/// Native stack of a guest; deeper recursion traps instead of ending the process.
pub const STACK_BYTES: usize = 512 << 10;
/// Core instances of a component: its module, the two that glue it, the one that reads its state.
pub const CORE_INSTANCES_MAX: u32 = 8;
/// Function tables of a component.
pub const TABLES_MAX: u32 = 4;
/// Entries of a table; tract's has some 20,000. More would only serve to take memory.
pub const TABLE_ELEMENTS_MAX: usize = 65_536;
/// Instances beyond the invocations: for components that are taking their files.
pub const INSTANCES_SPARE: u32 = 8;
/// Pages of a slot that stay mapped after use; about the working set, so that faults are few.
pub const KEEP_RESIDENT_BYTES: usize = 4 << 20;
/// Rows of a page; a component that answers more of them lies.
pub const PAGE_ROWS_MAX: usize = 7;
/// Features a row that the ranking component hands to the ranker; a ranker of another width would fail
/// every answer, so its release is refused.
pub const RANKER_COLUMNS: u32 = 8;
/// A guest's last words are cut here: they end up in a log.
pub const REASON_BYTES_MAX: usize = 200;
/// A saved session state; a longer one would let a guest fill the session store.
pub const STATE_BYTES_MAX: usize = 64 << 10;
/// Compiled functions on disk and, while compiling, in memory; beyond it they are compiled again.
pub const FUNCTIONS_BYTES_MAX: usize = 256 << 20;
/// Compiled components on disk; beyond it those used longest ago go.
pub const ARTIFACTS_BYTES_MAX: u64 = 4 << 30;
/// What is kept beside a compiled component.
pub const ARTIFACT_NOTE_BYTES_MAX: usize = 64;
/// Another process that compiles the same is waited for that long, then both do.
pub const ARTIFACT_LOCK_WAIT_MAX: Duration = Duration::from_secs(120);
/// How often such a lock is tried.
pub const ARTIFACT_LOCK_POLL: Duration = Duration::from_millis(20);

// HTTP.

/// Connections at once unless configured: each costs a socket and some kilobytes.
pub const CONNECTIONS_DEFAULT: u64 = 1_024;
/// More would need more sockets than a process usually may have.
pub const CONNECTIONS_MAX: u64 = 65_536;
/// Time for a request's headers, and the pause between two requests of a connection, unless configured:
/// a client that drips bytes would hold its connection for ever.
pub const HEADERS_MS_DEFAULT: u64 = 30_000;
/// Time for a request's body unless configured; for the same reason.
pub const BODY_MS_DEFAULT: u64 = 10_000;
/// Headers a request may have: a parser's work grows with them.
pub const HEADERS_MAX: usize = 64;
/// Bytes a connection buffers: what a request line and its headers may have.
pub const CONNECTION_BUFFER_BYTES_MAX: usize = 64 << 10;
/// Wait of a list or a page for its turn unless configured: a queue that grows only makes every answer late.
pub const QUEUE_MS_DEFAULT: u64 = 100;
/// Time for what is in flight when the node is told to end, unless configured.
pub const DRAIN_MS_DEFAULT: u64 = 10_000;
/// No wait of a request or of the end of the process is configured longer than this.
pub const WAIT_MS_MAX: u64 = 600_000;
/// What a shed caller is told to wait, in seconds.
pub const RETRY_AFTER_S: u32 = 1;

// Answer cache.

/// Answers kept unless configured: some kilobytes each.
pub const ANSWERS_DEFAULT: u64 = 10_000;
/// More would be gigabytes.
pub const ANSWERS_MAX: u64 = 1_000_000;
/// Life of a kept answer unless configured; its licence windows are part of its key all the same.
pub const ANSWER_TTL_S_DEFAULT: u64 = 60;
/// A day: a longer life only keeps what nobody asks for.
pub const ANSWER_TTL_S_MAX: u64 = 86_400;

// Sessions.

/// Sessions at once unless configured; up to some kilobytes each.
pub const SESSIONS_DEFAULT: u64 = 100_000;
/// More would be tens of gigabytes.
pub const SESSIONS_MAX: u64 = 2_000_000;
/// Ended sessions kept for late events and questions, as a share of the sessions at once.
pub const SESSIONS_ENDED_SHARE: u64 = 4;
/// A session without events for so long is closed, unless configured: its player is gone.
pub const SESSION_IDLE_S_DEFAULT: u64 = 300;
/// A day: no player is silent for longer and comes back.
pub const SESSION_IDLE_S_MAX: u64 = 86_400;
/// A session without events for so long is over: windows count what it came to. Less, and whoever comes back from dinner
/// would count by the first half of the film.
pub const SILENCE: Duration = Duration::from_secs(1_800);
/// Parts of the session store that change apart; each of them has windows of its own.
pub const PARTITIONS_MAX: usize = 64;
/// Times that a request's events are folded without holding their sessions: whoever is overtaken each time would else
/// never end.
pub const FOLD_ROUNDS: usize = 2;
/// Event ids remembered a session: a whole request of one session that comes again is known.
pub const EVENT_IDS_MAX: usize = wire::limits::EVENTS_MAX;
/// The same of a player that sends many at once, as after a time without a network: the first of some requests may come
/// again behind the last.
pub const EVENT_IDS_BULK_MAX: usize = 5 * EVENT_IDS_MAX;
/// Events of a session in one request that are no more than a player's that is told of as it plays: such sessions, of
/// which there may be a million, keep fewer ids.
pub const EVENTS_AT_ONCE: usize = 20;
/// Silent sessions closed in one call: more would hold an instance, and a part of the store, for long.
pub const SWEPT_MAX: usize = 1_000;
/// Events of the time before a start that are folded again, in bytes of frames: more would make a start late.
pub const REPLAY_BYTES_MAX: u64 = 256 << 20;

/// Pause between two looks for sessions that have fallen silent and windows that are over.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Speeds of downloads that `etp` tells of: as many as the decisions read, or it would tell of another network.
pub const SPEEDS_USED: usize = 5;
/// Players whose content is remembered for reports that do not say it again.
pub const CONTENTS_MAX: usize = 200_000;
/// How long a window waits for late events: a heartbeat.
pub const WINDOW_LATENESS: Millis = Millis::new(30_000);
/// Turns of alerts that `/v1/alerts` tells of: a day of a restless table.
pub const ALERT_CHANGES_KEPT: usize = 1_000;
/// Streams of viewers at once: each holds a connection for as long as it likes.
pub const STREAMS_MAX: usize = 256;
/// Pause between two messages of such a stream.
pub const STREAM_PAUSE: Duration = Duration::from_secs(1);
/// Titles in one message of it; the others come with the next.
pub const STREAM_TITLES_MAX: usize = 1_000;

// Spool and forwarding.

/// Events that the origin has are kept as long at least, to know a repeated one after a start. Milliseconds.
pub const KEEP_MS_MIN: u64 = 60_000;

/// Bytes of the spool unless configured, in MiB: a day without the origin at a thousand events a second.
pub const SPOOL_MIB_DEFAULT: u64 = 16_384;
/// Below it a spool could not even drop in parts.
pub const SPOOL_MIB_MIN: u64 = 1;
/// Above it no disk of a node goes.
pub const SPOOL_MIB_MAX: u64 = 16 << 20;
/// What is older goes, unless configured: three days, so that a weekend without the origin is survived.
pub const SPOOL_AGE_H_DEFAULT: u64 = 72;
/// Thirty days: older events would come into windows that nobody reads.
pub const SPOOL_AGE_H_MAX: u64 = 720;
/// Segments of a spool: with fewer of them one drop would lose much.
pub const SPOOL_SEGMENTS: u64 = 64;
/// Largest segment of a spool in bytes; a damaged one is read as a whole.
pub const SPOOL_SEGMENT_BYTES_MAX: u64 = 32 << 20;
/// Smallest segment of a spool in bytes; files are made and removed by it.
pub const SPOOL_SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// Payloads that wait for the disk, in bytes; above it requests are sent away.
pub const SPOOL_WAITING_BYTES_MAX: usize = 64 << 20;
/// Records in a frame: one short statement at the origin.
pub const FRAME_RECORDS_MAX: usize = 1_000;
/// Decisions logged a second, unless configured: all of a small node, a sample of a busy one.
pub const DECISIONS_PER_S_DEFAULT: u64 = 100;
/// More would make the log larger than what it is about.
pub const DECISIONS_PER_S_MAX: u64 = 100_000;
/// Decisions that wait to be logged; they are logged every second.
pub const DECISIONS_WAITING_MAX: usize = 100_000;
/// Payload bytes of a batch: one short transaction at the origin.
pub const BATCH_PAYLOAD_BYTES: usize = 2 << 20;
/// What a batch waits for company.
pub const BATCH_LINGER: Duration = Duration::from_millis(500);
/// A batch that is not answered by then is sent again.
pub const BATCH_TIMEOUT: Duration = Duration::from_secs(15);
/// First pause after a batch failed; doubles up to [`BATCH_PAUSE_MAX`].
pub const BATCH_PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest pause between two attempts: an origin that comes back is found within it.
pub const BATCH_PAUSE_MAX: Duration = Duration::from_secs(30);
/// A longer answer of the origin is not one of ours.
pub const ORIGIN_ANSWER_BYTES_MAX: usize = 64 << 10;
/// A longer token is not one of ours.
pub const TOKEN_BYTES_MAX: u64 = 4 << 10;

// Sync.

/// Pause between two looks at the origin unless configured.
pub const POLL_S_DEFAULT: u64 = 10;
/// A day: a node that looks less often serves yesterday's licences.
pub const POLL_S_MAX: u64 = 86_400;
/// Without a good look for so long the answers are marked stale, unless configured.
pub const STALE_AFTER_S_DEFAULT: u64 = 60;
/// Thirty days.
pub const STALE_AFTER_S_MAX: u64 = 30 * 86_400;
/// Time to reach the origin.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence of the origin in the middle of an answer.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// One file of a release, from request to last byte: a slow drip would hold the sync for ever.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(600);
/// Signed metadata of one role: an endless one would fill the node.
pub const METADATA_BYTES_MAX: u64 = 4 << 20;
/// New roots followed in one look: an endless chain would hold the sync for ever.
pub const ROOT_UPDATES_MAX: u64 = 256;
/// A longer manifest is refused before it is parsed.
pub const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// A longer channel file is refused before it is parsed.
pub const CHANNEL_BYTES_MAX: u64 = 4 << 10;
/// Bytes of a release: it is held in memory whole.
pub const RELEASE_BYTES_MAX: u64 = 4 << 30;
/// Bytes of a delta: it is held in memory beside the files that it is made from and makes.
pub const DELTA_BYTES_MAX: u64 = 32 << 20;
/// First pause before a refused release is tried again; doubles up to [`REFUSED_PAUSE_MAX`].
pub const REFUSED_PAUSE_MIN: Duration = Duration::from_secs(60);
/// Longest pause before a refused release is tried again: its bytes may have been mended.
pub const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// Generations kept on disk besides the one that serves.
pub const PREVIOUS_KEPT: usize = 2;

// Files of the operator.

/// A longer configuration file is a mistake.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Lines of a region's table of speeds; the component takes as many.
pub const RULES_MAX: usize = 256;

/// Viewers whose begun titles are kept: a kilobyte each at most, for those who watched last.
pub const BEGUN_VIEWERS_MAX: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();
/// Begun titles of a viewer: a row has no room for more.
pub const BEGUN_TITLES_MAX: usize = 20;
