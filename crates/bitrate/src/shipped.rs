//! The settings of the flagship that ship. Made by a command, not by hand:
//! `frontrow-evaluate fit (see evaluate/README.md)`.

use crate::Settings;

pub(crate) const SETTINGS: Settings = Settings {
    half_lives_s: [0.4847, 8.9799, 16.5143, 27.4965],
    trusts: [0.186, 2.1464, 1.0531, 0.837],
    sharpness: 3.433,
    error_half_life: 3.8869,
    error_prior: 0.3036,
    error_prior_samples: 0.066,
    bias: 0.0813,
    step_min: 0.0501,
    step_per_error: 1.4091,
    step_max: 0.3925,
    odds: [0.1586, 0.3388, 0.0887, 0.4167, 0.0318],
    persistence: 1.4866,
    caution: 1.3341,
    reserve: 0.2576,
};
