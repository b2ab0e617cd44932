//! Every bound of the node: its unit and the harm it stops.

use std::time::Duration;

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
