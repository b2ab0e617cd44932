//! What happens when instances or address space run out.

use std::process::Command;

use frontrow_edge::limits;
use frontrow_edge::runtime::{Allocation, InvokeError, Runtime};

use crate::candidates;
use crate::scene::{Scene, input, regions};

#[test]
fn a_full_pool_refuses_at_once_and_recovers() {
    let mut scene = Scene::new();
    scene.config.invocations_max = 1;
    let generation = scene.generation();
    let slots = 2 + limits::INSTANCES_SPARE;
    let held: Vec<_> = (0..slots).map(|_| generation.hold_bitrate().unwrap()).collect();
    assert!(matches!(generation.decide(&input(4_000)), Err(InvokeError::Overloaded)));
    drop(held);
    assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
}

#[test]
fn many_threads_answer_from_one_generation() {
    let generation = Scene::new().generation();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
                }
            });
        }
    });
}

#[test]
fn without_address_space_for_the_pool_instances_are_allocated_on_demand() {
    const LIMITED: &str = "FRONTROW_TEST_ADDRESS_SPACE_IS_LIMITED";
    let name = "pool::without_address_space_for_the_pool_instances_are_allocated_on_demand";
    if std::env::var_os(LIMITED).is_none() {
        // 12 GiB of address space: enough for an instance or two, not for the pool.
        let limited = Command::new("sh")
            .args(["-c", "ulimit -v 12582912 && exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg(name)
            .env(LIMITED, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&limited.stdout);
        assert!(limited.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let scene = Scene::new();
    let runtime = Runtime::new(&scene.config).unwrap();
    assert_eq!(runtime.allocation(), Allocation::OnDemand);
    let generation = runtime.prepare(&scene.files(&regions(&candidates::three_titles()))).unwrap();
    assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let scene = Scene::new();
    for (index, name) in ["invocations_max", "deadline", "memory_bytes_max"].into_iter().enumerate() {
        let mut config = scene.config.clone();
        match index {
            0 => config.invocations_max = 0,
            1 => config.deadline = std::time::Duration::ZERO,
            _ => config.memory_bytes_max = 0,
        }
        let error = Runtime::new(&config).unwrap_err();
        assert_eq!(error.code(), "setting-out-of-range");
        assert!(error.to_string().contains(name), "{error}");
    }
}
