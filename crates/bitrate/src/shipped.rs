//! The settings of the flagship that ship. Made by a command, not by hand:
//! `cargo xtask evaluate fit`, as evaluate/README.md has it.

use crate::{Perceptron, Settings};

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.1498, 12.5654, 17.2202, 7.8767],
    trusts: [0.6152, 0.6465, 1.5893, 1.1018],
    sharpness: 2.928,
    error_half_life: 12.5471,
    error_prior: 0.3386,
    error_prior_samples: 0.2045,
    bias: 0.016,
    step_min: 0.0179,
    step_per_error: 1.91,
    step_max: 0.3056,
    odds: [0.2645, 0.2152, 0.1991, 0.4055, 0.0262],
    persistence: 0.9936,
    learnt: 0.7152,
    learnt_per_error: 0.0207,
    after: 1.791,
    later: 1.035,
    drift: 0.8105,
    caution: 0.7887,
    reserve: 0.2845,
    impatience: 0.0767,
    calm: 0.1511,
    outage: 0.0098,
    outage_s: 5.883,
    perceptron: Perceptron::SHIPPED,
};
