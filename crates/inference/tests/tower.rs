//! The tower beside onnxruntime: crates/golden/scripts/tower.py.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]

use inference::{State, Tower};

const TOWER: &[u8] = include_bytes!("data/tower.onnx");

struct Case {
    history: Vec<u32>,
    user: Vec<f32>,
}

fn cases() -> Vec<Case> {
    let cases: serde_json::Value = serde_json::from_str(include_str!("data/tower.json")).unwrap();
    let of = |case: &serde_json::Value| Case {
        history: case["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item.as_u64().unwrap() as u32)
            .collect(),
        user: case["user"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect(),
    };
    cases.as_array().unwrap().iter().map(of).collect()
}

#[test]
fn vectors_are_those_of_onnxruntime_within_1e_5() {
    let tower = Tower::read(TOWER).unwrap();
    for Case { history, user } in cases() {
        let own = tower.encode(&history).unwrap();
        let off = own.iter().zip(&user).fold(0.0_f32, |off, (a, b)| off.max((a - b).abs()));
        assert!(own.len() == user.len() && off <= 1e-5 * 4.0, "{history:?}: {off}");
    }
}

#[test]
fn any_cut_of_a_history_goes_on_with_the_same_bits() {
    fn property(history: Vec<u8>, cut: u8) -> bool {
        let tower = Tower::read(TOWER).unwrap();
        let history: Vec<u32> = history.iter().take(12).map(|item| u32::from(*item) % 40).collect();
        if history.len() < 2 {
            return true;
        }
        let (first, rest) = history.split_at(1 + usize::from(cut) % (history.len() - 1));
        let (_, mut state) = tower.encode_keeping(first).unwrap();
        let user = tower.extend(&mut state, rest).unwrap();
        (user, state) == tower.encode_keeping(&history).unwrap()
    }
    quickcheck::quickcheck(property as fn(Vec<u8>, u8) -> bool);
}

#[test]
fn a_state_has_a_row_for_each_item() {
    let tower = Tower::read(TOWER).unwrap();
    let mut state = State::default();
    tower.extend(&mut state, &[1, 2, 3]).unwrap();
    assert_eq!(state.as_slice().len(), 3 * tower.state_row());
}
