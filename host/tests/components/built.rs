//! The four built components.

use std::path::PathBuf;

/// `cargo xtask` names the folder; a plain `cargo test` finds what a plain `cargo build` left.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let path = match std::env::var_os("FRONTROW_COMPONENTS") {
        Some(folder) => PathBuf::from(folder).join(format!("{name}.wasm")),
        None => target().join(format!("wasm32-wasip2/release/component_{name}.wasm")),
    };
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; build it with `cargo build --release --target wasm32-wasip2 -p component-{name}` \
             or name the folder of `cargo xtask components` in FRONTROW_COMPONENTS",
            path.display()
        )
    })
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("../target"), PathBuf::from)
}
