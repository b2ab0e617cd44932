//! The components we ship: what they import, and that they decide as the native code does.

mod built;
mod imports;
