//! The settings of the flagship that ship. Made by a command, not by hand:
//! `cargo xtask evaluate fit, as evaluate/README.md has it`.

use crate::Settings;

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.1206, 15.7933, 16.386, 32.5237],
    trusts: [0.2059, 0.5797, 1.0314, 0.4708],
    sharpness: 2.4388,
    error_half_life: 10.691,
    error_prior: 0.5142,
    error_prior_samples: 0.0366,
    bias: 0.0522,
    step_min: 0.0388,
    step_per_error: 1.4354,
    step_max: 0.4002,
    odds: [0.1549, 0.2081, 0.1075, 0.2176, 0.0224],
    persistence: 0.4477,
    caution: 0.383,
    reserve: 0.5368,
};
