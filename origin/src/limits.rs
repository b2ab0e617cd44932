//! What the origin takes, keeps and waits for at most, and the harm each limit stops.

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

/// A longer log of the private server is put aside when it starts, so that logs do not fill the disk.
pub const POSTGRES_LOG_BYTES_MAX: u64 = 16 << 20;
