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
