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
    check("inference", &[]);
}
