//! Numbers that look random and are the same on every machine: xoshiro256** seeded by splitmix64.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    state: [u64; 4],
}

impl Dice {
    /// Another stream for another seed or another `purpose`.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        let mut mixed = seed ^ purpose.wrapping_mul(0xd134_2543_de82_ef95);
        let state = std::array::from_fn(|_| splitmix(&mut mixed));
        Self { state }
    }

    fn next(&mut self) -> u64 {
        let result = self.state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = self.state[1] << 17;
        self.state[2] ^= self.state[0];
        self.state[3] ^= self.state[1];
        self.state[1] ^= self.state[2];
        self.state[0] ^= self.state[3];
        self.state[2] ^= shifted;
        self.state[3] = self.state[3].rotate_left(45);
        result
    }

    /// 0 to `bound` − 1; `bound` is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).expect("below a usize")
    }

    /// 0 ≤ x < 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `share` of all cases.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of them; there is at least one.
    pub(super) fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Draws indices in proportion to weights.
#[derive(Clone, Debug)]
pub(super) struct Urn {
    /// Running sums; the last is the total.
    sums: Vec<f64>,
}

impl Urn {
    /// The weights are positive, and there is at least one.
    pub(super) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let add = |weight: f64| {
            sum += weight;
            sum
        };
        Self { sums: weights.map(add).collect() }
    }

    pub(super) fn draw(&self, dice: &mut Dice) -> usize {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let drawn = dice.unit() * total;
        self.sums.partition_point(|sum| *sum <= drawn).min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_is_the_published_one() {
        // The first outputs for seed 1234567, from the reference implementation's own test.
        let mut state = 1_234_567;
        let outputs: [u64; 3] = std::array::from_fn(|_| splitmix(&mut state));
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn an_urn_draws_in_proportion() {
        let mut dice = Dice::new(1, 0);
        let urn = Urn::new([1.0, 3.0].into_iter());
        let seconds = (0..10_000).filter(|_| urn.draw(&mut dice) == 1).count();
        assert!((7_200..=7_800).contains(&seconds), "{seconds}");
    }
}
