//! The settings of the flagship that ship. Made by a command, not by hand:
//! `cargo xtask evaluate fit`, as evaluate/README.md has it.

use crate::Settings;

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.4177, 10.5262, 21.9674, 25.643],
    trusts: [0.308, 0.4937, 1.485, 0.4451],
    sharpness: 3.4274,
    error_half_life: 8.8688,
    error_prior: 0.3494,
    error_prior_samples: 0.0415,
    bias: 0.0031,
    step_min: 0.0307,
    step_per_error: 1.5118,
    step_max: 0.3473,
    odds: [0.1696, 0.1684, 0.1622, 0.2376, 0.0283],
    persistence: 0.7014,
    caution: 1.149,
    reserve: 0.2856,
};
