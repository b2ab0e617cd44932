//! Components and files that are refused before they serve.

use frontrow_edge::runtime::{PrepareError, RegionFiles, Runtime};

use crate::candidates;
use crate::forge::component;
use crate::scene::{Scene, input, regions, request};

fn refused(scene: &Scene) -> &'static str {
    let error = scene.prepare().unwrap_err();
    assert!(!error.to_string().is_empty());
    error.code()
}

/// A ranking guest whose `load` has this body.
fn loading(body: &str) -> Scene {
    let mut scene = Scene::new();
    scene.ranking = component(
        "ranking-component",
        &format!(
            r#"(func (export "frontrow:edge/ranking@0.1.0#load")
                 (param i32) (result i32) {body} (i32.const 0))"#
        ),
    );
    scene
}

#[test]
fn a_component_that_loops_takes_or_traps_while_it_loads_is_refused() {
    assert_eq!(refused(&loading("(loop $for_ever (br $for_ever))")), "deadline");
    assert_eq!(
        refused(&loading("(loop $for_ever (drop (memory.grow (i32.const 1))) (br $for_ever))")),
        "out-of-memory"
    );
    assert_eq!(refused(&loading("unreachable")), "trap");
}

#[test]
fn files_that_the_component_refuses_are_refused_with_its_reason() {
    // result = error, variant case 1: factors-malformed("").
    let scene = loading("(i32.store8 (i32.const 0) (i32.const 1)) (i32.store8 (i32.const 4) (i32.const 1))");
    assert_eq!(refused(&scene), "factors-malformed");
}

#[test]
fn what_load_left_in_memory_and_globals_is_what_every_call_finds() {
    let mut scene = Scene::new();
    let remembers = r#"
        (global $loads (mut i64) (i64.const 0))
        (func (export "frontrow:edge/ranking@0.1.0#recommend")
          (param i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)
          (if (i64.ne (global.get $loads) (i64.const 1)) (then unreachable))
          (if (i32.ne (i32.load (i32.const 1900000)) (i32.const 99)) (then unreachable))
          (i32.store (i32.const 4) (i32.const 0))
          (i32.const 0))"#;
    scene.ranking = component("ranking-component", &format!("{LOADS_AND_MARKS}{remembers}"));
    let generation = scene.generation();
    for _ in 0..3 {
        assert_eq!(generation.recommend("eu", &request(3)).unwrap().picks.len(), 0);
    }
}

const LOADS_AND_MARKS: &str = r#"
(func (export "frontrow:edge/ranking@0.1.0#load") (param i32) (result i32)
  (global.set $loads (i64.add (global.get $loads) (i64.const 1)))
  (i32.store (i32.const 1900000) (i32.const 99))
  (i32.store (i32.const 4) (i32.const 3))
  (i32.const 0))
"#;

#[test]
fn a_truncated_component_is_refused() {
    let scene = Scene::new();
    for part in ["ranking", "bitrate", "qoe"] {
        for share in [0, 1, 2, 3] {
            let mut damaged = Scene::new();
            let wasm = match part {
                "ranking" => &mut damaged.ranking,
                "bitrate" => &mut damaged.bitrate,
                _ => &mut damaged.qoe,
            };
            let cut = wasm.len() * share / 4;
            wasm.truncate(cut);
            if refused(&damaged) == "wrong-world" {
                // Between two sections it is a component, of which something is missing; a byte before it is none.
                let wasm = match part {
                    "ranking" => &mut damaged.ranking,
                    "bitrate" => &mut damaged.bitrate,
                    _ => &mut damaged.qoe,
                };
                wasm.truncate(cut - 1);
            }
            assert_eq!(refused(&damaged), "component-malformed", "{part} {share}/4");
        }
    }
    assert!(scene.prepare().is_ok());
}

#[test]
fn an_oversized_component_is_refused_before_it_is_parsed() {
    let mut scene = Scene::new();
    scene.qoe.resize(frontrow_edge::limits::COMPONENT_BYTES_MAX + 1, 0);
    assert_eq!(refused(&scene), "component-too-large");
}

#[test]
fn a_component_of_another_world_is_refused() {
    let mut scene = Scene::new();
    scene.bitrate = component("qoe-component", "");
    assert_eq!(refused(&scene), "wrong-world");
    scene.bitrate = b"\0asm\x01\0\0\0".to_vec();
    assert_eq!(refused(&scene), "component-malformed");
}

#[test]
fn a_component_whose_functions_have_other_types_is_refused() {
    let mut scene = Scene::new();
    scene.bitrate = wat::parse_str(
        r#"(component
             (core module $module (func (export "nothing")))
             (core instance $core (instantiate $module))
             (func $nothing (canon lift (core func $core "nothing")))
             (instance $bitrate
               (export "decide" (func $nothing))
               (export "decide-batch" (func $nothing))
               (export "decide-packed" (func $nothing)))
             (export "frontrow:edge/bitrate@0.1.0" (instance $bitrate)))"#,
    )
    .unwrap();
    assert_eq!(refused(&scene), "wrong-world");
}

#[test]
fn an_import_beyond_the_ranker_is_refused() {
    let mut scene = Scene::new();
    scene.bitrate = wat::parse_str(r#"(component (import "evil:host/files" (instance)))"#).unwrap();
    assert_eq!(refused(&scene), "import-refused");
    // Only the ranking component may ask the ranker.
    scene.bitrate =
        wat::parse_str(r#"(component (import "frontrow:edge/inference@0.1.0" (instance)))"#).unwrap();
    assert_eq!(refused(&scene), "import-refused");
}

#[test]
fn more_memory_than_an_instance_may_have_is_refused() {
    let mut scene = Scene::new();
    scene.config.memory_bytes_max = 1 << 20;
    assert!(matches!(
        scene.prepare(),
        Err(PrepareError::Malformed { .. }
            | PrepareError::LoadFailed { .. }
            | PrepareError::WrongWorld { .. })
    ));
}

#[test]
fn a_release_without_regions_or_with_one_twice_is_refused() {
    let scene = Scene::new();
    let runtime = Runtime::new(&scene.config).unwrap();
    assert_eq!(runtime.prepare(&scene.files(&[])).unwrap_err().code(), "no-region");
    let candidates = candidates::three_titles();
    let twice = [RegionFiles { name: "eu", candidates: &candidates, slate: None }; 2];
    assert_eq!(runtime.prepare(&scene.files(&twice)).unwrap_err().code(), "region-twice");
}

#[test]
fn a_candidate_set_that_the_host_cannot_read_is_refused() {
    let scene = Scene::new();
    let runtime = Runtime::new(&scene.config).unwrap();
    let whole = candidates::three_titles();
    for length in [0, 7, 100, whole.len() - 1] {
        let error = runtime.prepare(&scene.files(&regions(&whole[..length]))).unwrap_err();
        assert_eq!(error.code(), "candidates-malformed", "{length} bytes");
    }
}

#[test]
fn a_damaged_cache_is_compiled_anew() {
    let scene = Scene::new();
    scene.generation();
    let folder = scene.config.cache_dir.join("components");
    let compiled = || {
        let mut paths: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "cwasm"));
        paths
    };
    assert!(compiled().len() >= 3);
    for path in compiled() {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert_eq!(scene.generation().decide(&input(4_000)).unwrap().rung, 0);
    assert!(compiled().iter().all(|path| std::fs::metadata(path).unwrap().len() > 1_000));
}
