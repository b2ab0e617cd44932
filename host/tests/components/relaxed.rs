//! Relaxed instructions may differ between processors; those we use do not for what they are given.

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload};

use crate::built::component;

/// The relaxed instructions of a component, by name.
fn relaxed(name: &str) -> BTreeSet<String> {
    let wasm = component(name);
    let mut found = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&wasm) {
        let Payload::CodeSectionEntry(body) = payload.unwrap() else { continue };
        for operator in body.get_operators_reader().unwrap() {
            let operator = format!("{:?}", operator.unwrap());
            if operator.contains("Relaxed") {
                found.insert(operator);
            }
        }
    }
    found
}

#[test]
fn only_the_dot_product_of_seven_bits_is_relaxed_and_only_in_ranking_and_inference() {
    assert_eq!(relaxed("ranking"), BTreeSet::from(["I32x4RelaxedDotI8x16I7x16AddS".to_owned()]));
    assert_eq!(relaxed("inference"), BTreeSet::from(["I16x8RelaxedDotI8x16I7x16S".to_owned()]));
    for name in ["bitrate", "qoe"] {
        assert_eq!(relaxed(name), BTreeSet::new(), "{name}");
    }
}
