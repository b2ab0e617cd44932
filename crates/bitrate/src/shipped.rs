//! The settings of the flagship that ship. Made by a command, not by hand.

use crate::Settings;

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.3377, 9.5832, 20.4769, 27.5948],
    trusts: [0.149, 1.0845, 1.4424, 1.0],
    sharpness: 3.0117,
    error_half_life: 4.9444,
    error_prior: 0.6094,
    error_prior_samples: 0.5615,
    bias: -0.0525,
    step_min: 0.0971,
    step_per_error: 1.4892,
    step_max: 0.4811,
    odds: [0.0479, 0.1454, 0.38, 0.2984, 0.0431],
    persistence: 0.89,
    caution: 1.3877,
    reserve: 0.3,
};
