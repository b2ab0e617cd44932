//! A spool as its callers use it.

mod caps;
mod cuts;
mod kill;
mod order;
mod scene;
