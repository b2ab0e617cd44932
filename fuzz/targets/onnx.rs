//! Models that run on our own kernels: a tower or a network is read or refused, and what was read runs.
#![no_main]

use inference::{Mlp, Network, Tower};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tower) = Tower::read(bytes) {
        let shape = tower.shape();
        assert_eq!(Tower::item_floats(bytes).map(|floats| floats.len()), Ok(shape.items * shape.width));
        let history: Vec<u32> = (0..shape.window.min(3)).map(|at| (at % shape.items) as u32).collect();
        // Numbers of any size are in the file: what is not finite is an error, not a vector.
        if let Ok(user) = tower.encode(&history) {
            assert!(user.len() == shape.width && user.iter().all(|value| value.is_finite()));
        }
        assert!(tower.encode(&[shape.items as u32]).is_err());
        _ = Mlp::read(bytes, &tower);
    }
    if let Ok(network) = Network::read(bytes) {
        let rows = vec![0.5; 2 * network.inputs()];
        assert_eq!(network.run(&rows).len(), 2 * network.outputs());
    }
});
