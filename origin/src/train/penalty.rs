//! What a connection of the rows must outweigh, and how that is chosen.

/// What is added to the diagonal of SᵀS before it is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalty {
    /// λ, of all items alike; above 0.
    pub lambda: f32,
    /// δ, how likely a feature is left out by chance while learning, from 0 to below 1. On average that adds δ/(1 − δ)
    /// times the diagonal to it, so that rows lean on several items of a history rather than on one (Wager and
    /// others, "Dropout training as adaptive regularization", NeurIPS 2013; Steck, "Autoencoders that don't overfit
    /// towards the identity", NeurIPS 2020).
    pub dropout: f32,
}

impl Penalty {
    /// Adds it to the diagonal of a column-major matrix of `n` rows and no more columns.
    pub(super) fn add_to(self, matrix: &mut [f32], n: usize) {
        matrix.iter_mut().step_by(n + 1).for_each(|diagonal| *diagonal = self.outweigh(*diagonal));
    }

    /// What a connection of an item must outweigh that has this on the diagonal.
    pub(super) fn outweigh(self, diagonal: f32) -> f32 {
        let more = self.dropout / (1.0 - self.dropout);
        diagonal + (more * diagonal + self.lambda)
    }
}

/// Tries what lies above the present value of one setting on a rising scale, and what lies below where that brought
/// nothing, each until twice in a row nothing became better.
///
/// # Errors
/// What `is_better` says.
pub fn climb<S: Copy, E>(
    from: S,
    scale: &[f32],
    setting: impl Fn(&mut S) -> &mut f32,
    mut is_better: impl FnMut(S) -> Result<bool, E>,
) -> Result<(), E> {
    let mut tried = from;
    let present = *setting(&mut tried);
    let above = scale.iter().filter(|&&value| value > present);
    let below = scale.iter().rev().filter(|&&value| value < present);
    let ways: [&mut dyn Iterator<Item = &f32>; 2] = [&mut above.into_iter(), &mut below.into_iter()];
    for way in ways {
        let (mut has_found, mut misses) = (false, 0);
        for &value in way {
            *setting(&mut tried) = value;
            if is_better(tried)? {
                (has_found, misses) = (true, 0);
            } else {
                misses += 1;
            }
            if misses == MISSES_MAX {
                break;
            }
        }
        if has_found {
            break;
        }
    }
    Ok(())
}

/// In steps of two, since half a step changes the quality by less than its standard error; wider at the low end,
/// for histories so sparse that nearly every connection counts.
pub const LAMBDAS: [f32; 11] = [1.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1_280.0, 2_560.0];
/// Penalties of 0, 1/2, 1, 2, 4 and 8 times the diagonal.
pub const DROPOUTS: [f32; 6] = [0.0, 1.0 / 3.0, 0.5, 2.0 / 3.0, 0.8, 8.0 / 9.0];
const MISSES_MAX: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is tried from `from`, where `worth` says how good a value is.
    fn tried(from: f32, worth: impl Fn(f32) -> f32) -> Vec<f32> {
        let (mut tried, mut best) = (Vec::new(), worth(from));
        let is_better = |value: f32| {
            tried.push(value);
            let is_better = worth(value) > best;
            best = best.max(worth(value));
            Ok::<_, ()>(is_better)
        };
        climb(from, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], |value| value, is_better).unwrap();
        tried
    }

    #[test]
    fn a_climb_goes_on_until_twice_nothing_was_better() {
        assert_eq!(tried(2.0, |value| -(value - 3.0).abs()), [3.0, 4.0, 5.0]);
        assert_eq!(tried(1.0, |value| if value == 2.0 { 0.5 } else { value }), [2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_climb_turns_where_up_brings_nothing() {
        assert_eq!(tried(4.0, |value| -value), [5.0, 6.0, 3.0, 2.0, 1.0]);
        assert_eq!(tried(3.0, |value| -(value - 3.0).abs()), [4.0, 5.0, 2.0, 1.0]);
    }

    #[test]
    fn leaving_out_at_random_comes_to_more_of_the_diagonal() {
        let mut matrix = [4.0, 1.0, 1.0, 8.0];
        Penalty { lambda: 3.0, dropout: 0.75 }.add_to(&mut matrix, 2);
        assert_eq!(matrix, [4.0 + 12.0 + 3.0, 1.0, 1.0, 8.0 + 24.0 + 3.0]);
    }
}
