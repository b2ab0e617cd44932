//! The settings of the flagship that ship. Made by a command, not by hand:
//! `frontrow-evaluate fit (the whole command is in evaluate/README.md)`.

use crate::Settings;

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.5862, 9.5628, 18.7526, 19.7117],
    trusts: [0.3449, 1.0859, 1.9993, 0.3722],
    sharpness: 2.8828,
    error_half_life: 10.6807,
    error_prior: 0.2808,
    error_prior_samples: 0.0203,
    bias: 0.0216,
    step_min: 0.0122,
    step_per_error: 2.0136,
    step_max: 0.3628,
    odds: [0.2025, 0.2107, 0.2571, 0.2005, 0.0247],
    persistence: 0.3717,
    caution: 0.8998,
    reserve: 0.307,
};
