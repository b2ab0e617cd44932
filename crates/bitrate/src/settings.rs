//! The settings of the flagship: data that `frontrow-evaluate fit` makes from traces.

use crate::{InputError, Perceptron};

/// What the flagship believes of networks, and how careful it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Seconds of download after which each of the four views of the throughput has half forgotten.
    pub half_lives_s: [f64; 4],
    /// How much each view is trusted before it was tried.
    pub trusts: [f64; 4],
    /// Power of the error that trust is divided by.
    pub sharpness: f64,
    /// Samples after which half of the weight of an error is gone.
    pub error_half_life: f64,
    /// Mean error of a view before it was tried, as a difference of natural logarithms.
    pub error_prior: f64,
    /// Samples that `error_prior` counts for.
    pub error_prior_samples: f64,
    /// Mean of the next throughput above the views' mean, in errors.
    pub bias: f64,
    /// Step between two outcomes of the next throughput, as a difference of natural logarithms: this …
    pub step_min: f64,
    /// … and this for each unit of error, …
    pub step_per_error: f64,
    /// … and never more than this.
    pub step_max: f64,
    /// Odds of the next throughput two steps below the mean, one below, at the mean, one above, two above.
    pub odds: [f64; 5],
    /// How much of an outcome's step the mean takes over, as a share of what the views take over.
    pub persistence: f64,
    /// Share of what was learnt from traces in the mixture with what the views say, at an error of a fifth …
    pub learnt: f64,
    /// … and how it changes with the logarithm of the error.
    pub learnt_per_error: f64,
    /// How much of the change that was learnt to follow the next chunk is counted on.
    pub after: f64,
    /// Distance of the outcomes of later chunks from their mean, as a share of that of the next one.
    pub later: f64,
    /// How far an outcome moves the mean, as a share of what both opinions say.
    pub drift: f64,
    /// Weight of a stall in the plan, in units of that in the objective.
    pub caution: f64,
    /// Worth of a buffer at the end of a plan that ends before the title, as a share of the bit rate it
    /// can be turned into.
    pub reserve: f64,
    /// How much less a chunk of a plan is worth than the one before it on a link that carries next to nothing of the
    /// rung below the top, while the views do not err: what is saved there seldom finds a use …
    pub impatience: f64,
    /// … and the error from which on it is worth as much.
    pub calm: f64,
    /// How often a link is lost for each second of media and unit of the views' mean error …
    pub outage: f64,
    /// … and for how many seconds in the mean.
    pub outage_s: f64,
    /// What was learnt from traces; not among the numbers.
    pub perceptron: Perceptron,
}

/// Numbers of [`Settings`].
pub const SETTINGS_LEN: usize = 33;

impl Settings {
    /// The settings that ship.
    pub const SHIPPED: Self = crate::shipped::SETTINGS;

    /// Checks that the numbers are from 0 to 1,000 (the bias and the change of a share also as far below 0, the
    /// impatience up to 1), and above 0 where something is divided by them. What was learnt is what ships.
    pub fn from_values(values: [f64; SETTINGS_LEN]) -> Result<Self, InputError> {
        let is_fine = |(index, value): (usize, &f64)| {
            let lowest = match index {
                BIAS | LEARNT_PER_ERROR => -VALUE_MAX,
                index if DIVIDES.contains(&index) => VALUE_MIN,
                _ => 0.0,
            };
            let highest = if index == IMPATIENCE { 1.0 } else { VALUE_MAX };
            (lowest..=highest).contains(value)
        };
        match values.iter().enumerate().position(|value| !is_fine(value)) {
            Some(index) => Err(InputError::SettingOutOfRange { index }),
            None => Ok(Self::of(values)),
        }
    }

    const fn of(v: [f64; SETTINGS_LEN]) -> Self {
        Self {
            half_lives_s: [v[0], v[1], v[2], v[3]],
            trusts: [v[4], v[5], v[6], v[7]],
            sharpness: v[8],
            error_half_life: v[9],
            error_prior: v[10],
            error_prior_samples: v[11],
            bias: v[BIAS],
            step_min: v[13],
            step_per_error: v[14],
            step_max: v[15],
            odds: [v[16], v[17], v[18], v[19], v[20]],
            persistence: v[21],
            learnt: v[22],
            learnt_per_error: v[LEARNT_PER_ERROR],
            after: v[24],
            later: v[25],
            drift: v[26],
            caution: v[27],
            reserve: v[28],
            impatience: v[IMPATIENCE],
            calm: v[30],
            outage: v[31],
            outage_s: v[32],
            perceptron: Perceptron::SHIPPED,
        }
    }

    /// All numbers in the order of the fields.
    pub fn values(&self) -> [f64; SETTINGS_LEN] {
        let mut values = [0.0; SETTINGS_LEN];
        let fields: [&[f64]; 23] = [
            &self.half_lives_s,
            &self.trusts,
            &[self.sharpness],
            &[self.error_half_life],
            &[self.error_prior],
            &[self.error_prior_samples],
            &[self.bias],
            &[self.step_min],
            &[self.step_per_error],
            &[self.step_max],
            &self.odds,
            &[self.persistence],
            &[self.learnt],
            &[self.learnt_per_error],
            &[self.after],
            &[self.later],
            &[self.drift],
            &[self.caution],
            &[self.reserve],
            &[self.impatience],
            &[self.calm],
            &[self.outage],
            &[self.outage_s],
        ];
        for (value, number) in values.iter_mut().zip(fields.into_iter().flatten()) {
            *value = *number;
        }
        values
    }
}

/// Places of the numbers that may be below 0.
const BIAS: usize = 12;
const LEARNT_PER_ERROR: usize = 23;

/// Place of the one that is a share.
const IMPATIENCE: usize = 29;

/// Places of half-lives, trusts, the error before any sample and its weight, the odds, the error of calm and the
/// length of an outage.
const DIVIDES: [usize; 18] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 16, 17, 18, 19, 20, 30, 32];

const VALUE_MIN: f64 = 1e-6;
const VALUE_MAX: f64 = 1e3;

#[cfg(test)]
mod tests {
    use super::{SETTINGS_LEN, Settings};
    use crate::InputError;

    #[test]
    fn what_ships_passes_its_own_check() {
        assert_eq!(Settings::from_values(Settings::SHIPPED.values()), Ok(Settings::SHIPPED));
    }

    #[test]
    fn refuses_a_number_that_would_spoil_a_plan() {
        for (index, value) in
            [(0, 0.0), (8, -1.0), (16, 0.0), (22, f64::NAN), (12, -1e9), (15, f64::INFINITY), (29, 1.1)]
        {
            let mut values = Settings::SHIPPED.values();
            values[index] = value;
            assert_eq!(Settings::from_values(values), Err(InputError::SettingOutOfRange { index }));
        }
    }

    #[test]
    fn numbers_keep_their_places() {
        let values: [f64; SETTINGS_LEN] = core::array::from_fn(|index| (index + 1) as f64 / 34.0);
        assert_eq!(Settings::from_values(values).unwrap().values(), values);
    }
}
