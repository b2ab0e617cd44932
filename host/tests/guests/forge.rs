//! Makes components out of a few lines of WAT: the core functions of an interface, as the canonical ABI
//! calls them.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component of this world. `functions` are core functions exported under the names of the world;
/// a function of the world that is absent traps.
pub(crate) fn component(world: &str, functions: &str) -> Vec<u8> {
    let defaults = match world {
        "ranking-component" => RANKING,
        "inference-component" => INFERENCE,
        "bitrate-component" => BITRATE,
        "qoe-component" => QOE,
        other => panic!("no world {other}"),
    };
    // WAT wants imports before everything else.
    let (imports, functions): (Vec<&str>, Vec<&str>) =
        functions.lines().partition(|line| line.trim_start().starts_with("(import"));
    let functions = functions.join("\n");
    let mut module = format!("(module\n{}\n{PRELUDE}\n{functions}\n", imports.join("\n"));
    for (name, signature) in defaults {
        if !functions.contains(&format!("\"{name}\"")) {
            module.push_str(&format!("(func (export \"{name}\") {signature} unreachable)\n"));
        }
    }
    module.push(')');
    let mut module = wat::parse_str(&module).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir("../wit").unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// Core function name and signature.
type Signature = (&'static str, &'static str);

/// 2 MiB of memory; arguments are placed from the second page on; answers are built on the first.
const PRELUDE: &str = r#"
(memory (export "memory") 32)
(global $heap (mut i32) (i32.const 65536))
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
  (global.set $heap (i32.add (local.get $at) (local.get 3)))
  (local.get $at))
"#;

const RANKING: &[Signature] = &[
    ("frontrow:edge/ranking@0.1.0#load", "(param i32) (result i32)"),
    ("frontrow:edge/ranking@0.1.0#recommend", "(param i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)"),
    ("frontrow:edge/ranking@0.1.0#home", "(param i32 i32 i32 i32 i32 i64 i32 i32 i32 i32 i32) (result i32)"),
    ("frontrow:edge/ranking@0.1.0#predict", "(param i32 i32 i32 i32) (result i32)"),
    ("frontrow:edge/ranking@0.1.0#top-rated", "(param i32 i32 i32 i32) (result i32)"),
    (
        "frontrow:edge/ranking@0.1.0#nearest",
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)",
    ),
];

const INFERENCE: &[Signature] = &[
    ("frontrow:edge/inference@0.1.0#load", "(param i32 i32 i32 i32 i32 i32) (result i32)"),
    ("frontrow:edge/inference@0.1.0#score", "(param i32 i32 i32 i32 i32 i32) (result i32)"),
    ("frontrow:edge/inference@0.1.0#encode", "(param i32 i32) (result i32)"),
    ("frontrow:edge/inference@0.1.0#encode-from", "(param i32 i32 i32 i32) (result i32)"),
];

const BITRATE: &[Signature] = &[
    ("frontrow:edge/bitrate@0.1.0#decide", "(param i32) (result i32)"),
    ("frontrow:edge/bitrate@0.1.0#decide-batch", "(param i32 i32) (result i32)"),
    ("frontrow:edge/bitrate@0.1.0#decide-packed", "(param i32 i32) (result i32)"),
];

const QOE: &[Signature] = &[
    ("frontrow:edge/qoe@0.1.0#fold", "(param i32 i32 i32 i32) (result i32)"),
    ("frontrow:edge/qoe@0.1.0#fold-batch", "(param i32 i32) (result i32)"),
    ("frontrow:edge/qoe@0.1.0#score", "(param i32) (result i32)"),
    ("frontrow:edge/qoe@0.1.0#score-batch", "(param i32 i32) (result i32)"),
];
