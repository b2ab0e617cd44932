//! A spool as its callers use it.

mod caps;
mod closed;
mod cuts;
mod kill;
mod order;
mod scene;
