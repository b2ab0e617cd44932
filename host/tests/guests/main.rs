//! Hostile components: what loops, takes, traps, lies or remembers is stopped, and disturbs nothing else.

mod bitrate;
mod candidates;
mod forge;
mod loading;
mod pool;
mod ranking;
mod scene;
