//! The components we ship: what they import, and that they decide as the native code does.

mod answers;
mod built;
mod cross_form;
mod imports;
mod ranker;
mod shipped;
