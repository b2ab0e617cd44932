//! The settings of the flagship that ship. Made by a command, not by hand:
//! `cargo xtask evaluate fit, as evaluate/README.md has it`.

use crate::Settings;

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.545, 13.731, 19.426, 21.1932],
    trusts: [0.3489, 0.6492, 1.4084, 0.4656],
    sharpness: 2.2346,
    error_half_life: 7.9157,
    error_prior: 0.4737,
    error_prior_samples: 0.0255,
    bias: 0.0331,
    step_min: 0.0168,
    step_per_error: 2.3971,
    step_max: 0.3456,
    odds: [0.1638, 0.2095, 0.1857, 0.1982, 0.015],
    persistence: 0.5179,
    caution: 0.9156,
    reserve: 0.2186,
};
