//! A component asks for nothing that its world does not say: a new import is a decision, not an accident.

use frontrow_edge::runtime::{Runtime, RuntimeConfig};

use crate::built::component;

fn check(name: &str, expected: &[&str]) {
    let cache = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(&RuntimeConfig::new(cache.path())).unwrap();
    assert_eq!(runtime.imports(&component(name)).unwrap(), expected, "imports of {name}");
}

#[test]
fn ranking_imports_the_ranker_and_nothing_else() {
    check("ranking", &["frontrow:edge/inference@0.1.0"]);
}

#[test]
fn bitrate_imports_nothing() {
    check("bitrate", &[]);
}

#[test]
fn qoe_imports_nothing() {
    check("qoe", &[]);
}

#[test]
fn inference_imports_what_std_names_and_the_host_does_not_give() {
    check(
        "inference",
        &[
            "wasi:cli/environment@0.2.6",
            "wasi:cli/exit@0.2.6",
            "wasi:cli/stderr@0.2.6",
            "wasi:cli/stdin@0.2.6",
            "wasi:cli/stdout@0.2.6",
            "wasi:cli/terminal-input@0.2.6",
            "wasi:cli/terminal-output@0.2.6",
            "wasi:cli/terminal-stderr@0.2.6",
            "wasi:cli/terminal-stdin@0.2.6",
            "wasi:cli/terminal-stdout@0.2.6",
            "wasi:clocks/monotonic-clock@0.2.6",
            "wasi:clocks/wall-clock@0.2.6",
            "wasi:filesystem/preopens@0.2.6",
            "wasi:filesystem/types@0.2.6",
            "wasi:io/error@0.2.6",
            "wasi:io/poll@0.2.6",
            "wasi:io/streams@0.2.6",
            "wasi:random/insecure-seed@0.2.6",
            "wasi:random/random@0.2.6",
        ],
    );
}
