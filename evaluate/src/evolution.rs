//! Search without derivatives: the separable evolution strategy of R. Ros and N. Hansen ("A Simple
//! Modification in CMA-ES Achieving Linear Time and Space Complexity", PPSN 2008), with the constants
//! given there. The same seed gives the same search on every machine with the same values.

use crate::bootstrap::Random;

/// Points tried in a generation, and how many of them the next one follows.
const TRIED: usize = 14;
const FOLLOWED: usize = 7;

/// Where the search is.
pub(crate) struct Evolution {
    random: Random,
    /// The point around which it looks.
    pub(crate) mean: Vec<f64>,
    deviations: Vec<f64>,
    step: f64,
    path: Vec<f64>,
    step_path: Vec<f64>,
}

impl Evolution {
    /// Begins at zero; coordinates are expected to matter on a scale of one.
    pub(crate) fn new(coordinates: usize, step: f64, seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            mean: vec![0.0; coordinates],
            deviations: vec![1.0; coordinates],
            step,
            path: vec![0.0; coordinates],
            step_path: vec![0.0; coordinates],
        }
    }

    /// Points to try.
    pub(crate) fn ask(&mut self) -> Vec<Vec<f64>> {
        let (random, mean) = (&mut self.random, &self.mean);
        let scales: Vec<f64> = self.deviations.iter().map(|deviation| deviation * self.step).collect();
        let mut point =
            || mean.iter().zip(&scales).map(|(mean, scale)| mean + scale * random.normal()).collect();
        (0..TRIED).map(|_| point()).collect()
    }

    /// Follows the points of the greatest values.
    pub(crate) fn tell(&mut self, points: &[Vec<f64>], values: &[f64]) {
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        let best: Vec<&Vec<f64>> = order.iter().take(FOLLOWED).map(|index| &points[*index]).collect();

        let n = self.mean.len() as f64;
        let raw: Vec<f64> =
            (1..=FOLLOWED).map(|rank| (FOLLOWED as f64 + 0.5).ln() - (rank as f64).ln()).collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|weight| weight / sum).collect();
        let mass = 1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>();
        let step_rate = (mass + 2.0) / (n + mass + 3.0);
        let damping = 1.0 + 2.0 * (((mass - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + step_rate;
        let path_rate = 4.0 / (n + 4.0);
        let rate = (1.0 / mass) * 2.0 / (n + 2.0_f64.sqrt()).powi(2)
            + (1.0 - 1.0 / mass) * ((2.0 * mass - 1.0) / ((n + 2.0).powi(2) + mass)).min(1.0);
        let rate = (rate * (n + 2.0) / 3.0).min(1.0);
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));

        let before = self.mean.clone();
        let mut length = 0.0;
        for i in 0..self.mean.len() {
            let weighted = |of: &dyn Fn(f64) -> f64| -> f64 {
                best.iter().zip(&weights).map(|(point, weight)| weight * of(point[i])).sum()
            };
            self.mean[i] = weighted(&|x| x);
            let moved = (self.mean[i] - before[i]) / self.step;
            let deviation = self.deviations[i];
            let gain = (step_rate * (2.0 - step_rate) * mass).sqrt();
            self.step_path[i] = (1.0 - step_rate) * self.step_path[i] + gain * moved / deviation;
            length += self.step_path[i] * self.step_path[i];
            let gain = (path_rate * (2.0 - path_rate) * mass).sqrt();
            self.path[i] = (1.0 - path_rate) * self.path[i] + gain * moved;
            let spread = weighted(&|x| ((x - before[i]) / self.step).powi(2));
            let seen = self.path[i] * self.path[i] / mass + (1.0 - 1.0 / mass) * spread;
            self.deviations[i] = ((1.0 - rate) * deviation * deviation + rate * seen).sqrt();
        }
        self.step *= ((step_rate / damping) * (length.sqrt() / expected - 1.0)).exp();
    }
}

#[cfg(test)]
mod tests {
    use super::Evolution;

    #[test]
    fn finds_the_top_of_a_hill_of_unequal_slopes() {
        let hill = |x: &Vec<f64>| -> f64 {
            -x.iter().zip([1.0, 10.0, 100.0]).map(|(x, steep)| steep * (x - 1.0).powi(2)).sum::<f64>()
        };
        let mut evolution = Evolution::new(3, 0.5, 1);
        for _ in 0..120 {
            let points = evolution.ask();
            let values: Vec<f64> = points.iter().map(hill).collect();
            evolution.tell(&points, &values);
        }
        assert!(hill(&evolution.mean) > -1e-6, "{:?}", evolution.mean);
    }
}
