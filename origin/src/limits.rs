//! What the origin takes, keeps and waits for at most, and the harm each limit stops.

use std::num::NonZeroU64;
use std::time::Duration;

/// Connections of one origin; more would only queue inside the server, on its memory.
pub const CONNECTIONS_MAX: usize = 16;

/// A server that does not answer the first packet is away; a request must not hang on it.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A request that gets no connection by then is answered with 503 instead of piling up.
pub const POOL_WAIT: Duration = Duration::from_secs(10);

/// Partitions of single days one import may make; a longer history gets a partition a month. A
/// transaction holds a lock for each partition it writes, and the server's table of locks is finite.
pub const DAY_PARTITIONS_MAX: usize = 400;

/// A server that needs longer to recover after a crash is left to its operator.
pub const POSTGRES_START_TIMEOUT: Duration = Duration::from_secs(120);

/// A server that needs longer to write to disk what it holds is left to its operator.
pub const POSTGRES_STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks at whether the server is ready: often enough to go unnoticed, seldom enough to
/// cost nothing.
pub const POSTGRES_POLL: Duration = Duration::from_millis(25);

/// Between two looks at whether the private server still lives.
pub const POSTGRES_WATCH: Duration = Duration::from_secs(1);

/// A longer log of the private server is put aside when it starts, so that logs do not fill the disk.
pub const POSTGRES_LOG_BYTES_MAX: u64 = 16 << 20;

/// Requests in flight get this long after SIGTERM; a node sends again what was cut off.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections to the HTTP listener; more wait in the system's queue, so that file descriptors are
/// left for the database.
pub const HTTP_CONNECTIONS_MAX: usize = 512;

/// After the system refused a connection (out of file descriptors), so that the loop does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A client that sends its header a byte at a time would hold a connection for ever.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Header lines of a request; a node sends a handful, and each costs memory before it is authenticated.
pub const HEADERS_MAX: usize = 64;

/// A body sent a byte at a time would hold a batch's place for ever.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Whatever a request waits for, its caller has given up by then.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A database that does not answer a bare question by then is not ready.
pub const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Batches in flight; each may hold its 16 MiB body and as much again decoded.
pub const BATCHES_IN_FLIGHT_MAX: usize = 8;

/// What is kept of a frame that cannot be read: enough to see what is wrong with it.
pub const REFUSED_FRAME_BYTES_MAX: usize = 64 << 10;

/// Frames of one batch that are kept because they cannot be read; a node gone wrong sends nothing else.
pub const REFUSED_OF_BATCH_KEPT: usize = 16;

/// Frames that are kept because they cannot be read, 64 MiB of them; the oldest go.
pub const REFUSED_FRAMES_KEPT: i64 = 1_000;

/// Steps of time in one question about what sessions saw: five weeks of five minutes.
pub const QOE_STEPS_MAX: u64 = 10_080;

/// Lines of one answer about what sessions saw; more is a dump of the database.
pub const QOE_ROWS_MAX: usize = 10_000;

/// Lines of an answer when nobody says how many.
pub const QOE_ROWS_DEFAULT: usize = 1_000;

/// A question that takes longer is given up: ingest needs the same disks.
pub const QOE_TIMEOUT: Duration = Duration::from_secs(20);

/// Questions about what sessions saw in flight; each may keep a processor of the database busy.
pub const QOE_IN_FLIGHT_MAX: usize = 2;

/// Between two times that hours are added up, at least; and ten times as long as it takes.
pub const QOE_REFRESH: Duration = Duration::from_secs(60);

/// Between two looks at whether days are old enough to go.
pub const RETENTION_LOOK: Duration = Duration::from_secs(3_600);

/// An event that a player dates further back (or more than a day ahead) is kept under the day of its
/// arrival: a batch writes to nine partitions at most.
pub const EVENT_AGE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Days a signature may hold at most: what never expires can be replayed for ever.
pub const SIGNATURE_DAYS_MAX: u16 = 3_650;

/// Releases that stay published, besides those that a channel points to; each may hold tens of megabytes.
pub const RELEASES_KEPT: usize = 20;

/// Versions of signed metadata that stay for nodes which are in the middle of reading an older one.
pub const METADATA_KEPT: u64 = 20;

/// One key a role; more keys, and a higher threshold, come with a root made elsewhere.
pub const SIGNATURES_NEEDED: NonZeroU64 = NonZeroU64::MIN;

/// A longer line is none of these formats; a file without line ends must not be held in memory.
pub const LINE_BYTES_MAX: u64 = 1 << 16;

/// Bad lines that are told one by one; the rest are counted, so that a wrong file fills no screen.
pub const BAD_LINES_TOLD_MAX: usize = 5;

/// Titles of a catalogue. Their rows and vectors are held in memory while a release is made.
pub const TITLES_MAX: usize = 1_000_000;

/// Characters of a title's name; a longer one is a broken line, and would break every page.
pub const NAME_CHARS_MAX: usize = 500;

/// Bytes of a genre's name; a longer one is a broken line.
pub const GENRE_BYTES_MAX: usize = 32;

/// Genres of one title; more is a broken line.
pub const GENRES_OF_TITLE_MAX: usize = 32;

/// Events handed from the reader of a file to the database at once.
pub const CHUNK_EVENTS: usize = 8_192;

/// Chunks that may wait for the database: a reader that is faster waits too, instead of filling memory.
pub const CHUNKS_WAITING_MAX: usize = 4;

/// Titles a region shows: what a node holds in 200 MB of memory and a browser can fetch.
pub const CANDIDATES_MAX: usize = 30_000;

/// Viewers by whom a release is measured, about: each is one answer a region, and twice as many would bring
/// the figures no nearer than by a third.
pub const HELD_OUT_VIEWERS_MAX: usize = 2_000;

/// Viewers whose lists before rounding are kept: each costs two kilobytes beside the models.
pub const REFERENCE_VIEWERS_MAX: usize = 500;

/// Titles of such a list: enough for ten that a region shows.
pub const REFERENCE_TITLES: usize = 200;

/// Trainings that leave rows as they were: an entry that was there once is preferred to a better one by so long.
pub const STEADY_TRAININGS_MAX: u32 = 16;

/// Bytes of the reason why a worse release is published: it is signed and sent to every node.
pub const REASON_BYTES_MAX: usize = 500;

/// Pause between two looks at whether the signed state is about to expire.
pub const RENEW_LOOK: Duration = Duration::from_secs(60);

/// Vectors of one index; each costs up to four bytes a number, and lists take minutes to train.
pub const VECTORS_MAX: usize = 4_000_000;

/// Numbers of a vector: what a factor model may have, the title's bias, and the filling up to eight.
pub const VECTOR_DIMENSIONS_MAX: usize = ranking::limits::FACTORS_MAX + 8;

/// Neighbours of one query; above it a search is a dump of the catalogue and sorts more than it compares.
pub const NEIGHBOURS_MAX: usize = 16_384;

/// Results of one search, over all its queries: 12 bytes each are held before the first is used.
pub const RESULTS_MAX: usize = 1 << 22;

/// Queries by which the recall of an index is measured; each costs a comparison with every vector.
pub const RECALL_QUERIES_MAX: usize = 256;

/// Bytes of an index's description: the numbers of a million titles.
pub const INDEX_DESCRIPTION_BYTES_MAX: u64 = 16 << 20;

/// Retrievals in flight: searches wait for each other, and a caller gives up before a longer queue has moved.
pub const RETRIEVALS_IN_FLIGHT_MAX: usize = 64;

/// Pause between two looks at whether training has left other models.
pub const MODELS_LOOK: Duration = Duration::from_secs(2);

/// Tastes that a region's viewers are divided into: with more, each stands for too few to be told from chance.
pub const COHORTS_MAX: usize = 16;

/// Viewers that a region's tastes are found from: more would move no centroid and take seconds.
pub const COHORT_VIEWERS_MAX: usize = 20_000;

/// A file of titles of a tower's items: longer than the numbers of as many items as any tower has, it is another file,
/// and would only fill the memory.
pub const TOWER_TITLES_BYTES_MAX: u64 = 16 << 20;
