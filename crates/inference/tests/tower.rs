//! The tower beside onnxruntime: crates/golden/scripts/tower.py.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]

use inference::{EncodeError, OneViewer, Tower};

const TOWER: &[u8] = include_bytes!("data/tower.onnx");

struct Case {
    history: Vec<u32>,
    // With the items in eight bits, and as the file has them.
    user: Vec<f32>,
    float_user: Vec<f32>,
}

fn cases() -> Vec<Case> {
    let cases: serde_json::Value = serde_json::from_str(include_str!("data/tower.json")).unwrap();
    let list = |value: &serde_json::Value| value.as_array().unwrap().clone();
    let floats =
        |value: &serde_json::Value| list(value).iter().map(|value| value.as_f64().unwrap() as f32).collect();
    let of = |case: &serde_json::Value| Case {
        history: list(&case["history"]).iter().map(|item| item.as_u64().unwrap() as u32).collect(),
        user: floats(&case["user"]),
        float_user: floats(&case["float_user"]),
    };
    cases.as_array().unwrap().iter().map(of).collect()
}

#[test]
fn vectors_are_those_of_onnxruntime_but_for_the_fixed_point() {
    let tower = Tower::read(TOWER).unwrap();
    for Case { history, user, float_user } in cases() {
        let own = tower.encode(&history).unwrap();
        assert_eq!((own.len(), own.len()), (user.len(), float_user.len()));
        let off = own.iter().zip(&user).fold(0.0_f32, |off, (a, b)| off.max((a - b).abs()));
        // Layers of sixteen bits; the vectors have numbers of up to 4.
        assert!(off <= 2e-3, "{history:?}: {off}");
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let sizes = product(&own, &own).sqrt() * product(&float_user, &float_user).sqrt();
        assert!(product(&own, &float_user) / sizes > 0.9999, "{history:?}");
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
        let before = tower.encode_from(&[], first).unwrap().state;
        let after = tower.encode_from(&before, rest).unwrap();
        let whole = tower.encode_from(&[], &history).unwrap();
        (after.user, [before, after.state].concat()) == (whole.user, whole.state)
    }
    quickcheck::quickcheck(property as fn(Vec<u8>, u8) -> bool);
}

#[test]
fn a_state_has_a_row_for_each_item() {
    let tower = Tower::read(TOWER).unwrap();
    let step = tower.encode_from(&[], &[1, 2, 3]).unwrap();
    assert_eq!(step.state.len(), 3 * tower.state_row());
}

#[test]
fn one_viewer_who_goes_on_costs_what_was_added_and_gets_the_same_bits() {
    let tower = Tower::read(TOWER).unwrap();
    let mut viewer = OneViewer::new(tower.clone());
    let history: Vec<u32> = (0..15).map(|view| view * 7 % 40).collect();
    for watched in 1..=history.len() {
        let items = &history[..watched];
        // The window is of twelve; behind it nothing is kept.
        assert_eq!(viewer.known(items), if watched <= 13 { watched - 1 } else { 0 }, "{watched}");
        assert_eq!(viewer.encode(items).unwrap(), tower.encode(items).unwrap(), "{watched}");
        assert_eq!(viewer.encode(items).unwrap(), tower.encode(items).unwrap(), "{watched}, again");
    }
}

#[test]
fn one_viewer_may_become_another_and_what_is_refused_changes_nothing() {
    fn property(histories: Vec<Vec<u8>>) -> bool {
        let tower = Tower::read(TOWER).unwrap();
        let mut viewer = OneViewer::new(tower.clone());
        // 40 to 43 are not the tower's.
        histories.iter().all(|history| {
            let items: Vec<u32> = history.iter().map(|item| u32::from(*item % 44)).collect();
            viewer.encode(&items).map(<[f32]>::to_vec) == tower.encode(&items)
        })
    }
    quickcheck::quickcheck(property as fn(Vec<Vec<u8>>) -> bool);
    let mut viewer = OneViewer::new(Tower::read(TOWER).unwrap());
    viewer.encode(&[1, 2]).unwrap();
    assert_eq!(viewer.encode(&[1, 2, 40]), Err(EncodeError::UnknownItem { place: 2 }));
    assert_eq!(viewer.known(&[1, 2, 3]), 2);
}
