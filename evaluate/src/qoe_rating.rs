//! How well a score agrees with what people said.

use serde::Serialize;

/// Over so many rows; none where fewer than three rows or one value only leave nothing to correlate.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Agreement {
    /// Rows with both numbers.
    pub(crate) rows: usize,
    /// Pearson's correlation of the numbers.
    pub(crate) pcc: Option<f64>,
    /// Spearman's: that of their ranks, ties sharing theirs.
    pub(crate) srcc: Option<f64>,
    /// What is left of the ratings after the best line through the score, in units of the rating.
    pub(crate) rmse: Option<f64>,
}

/// Of pairs of a score and a rating.
pub(crate) fn agreement(pairs: &[(f64, f64)]) -> Agreement {
    let (scores, ratings): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let pcc = correlation(&scores, &ratings);
    let srcc = correlation(&ranks(&scores), &ranks(&ratings));
    let rmse = pcc.map(|pcc| (variance(&ratings) * (1.0 - pcc * pcc)).max(0.0).sqrt());
    Agreement { rows: pairs.len(), pcc, srcc, rmse }
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / numbers.len() as f64
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < 3 {
        return None;
    }
    let (mean_a, mean_b) = (mean(a), mean(b));
    let both: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / a.len() as f64;
    let spread = (variance(a) * variance(b)).sqrt();
    (spread > 0.0).then(|| both / spread)
}

/// From 1; equal numbers share the mean of theirs.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut rest = order.as_slice();
    let mut below = 0;
    while let Some(first) = rest.first() {
        let ties = rest.iter().take_while(|index| numbers[**index] == numbers[*first]).count().max(1);
        let (tied, further) = rest.split_at(ties);
        tied.iter().for_each(|index| ranks[*index] = below as f64 + (ties as f64 + 1.0) / 2.0);
        below += ties;
        rest = further;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{agreement, ranks};

    /// `numpy.corrcoef` of the numbers and of their ranks, and `numpy.polyfit`, on the same numbers.
    #[test]
    fn agrees_with_the_usual_libraries() {
        let found = agreement(&[(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 7.0)]);
        let near = |found: Option<f64>, value: f64| {
            assert!((found.unwrap_or(9.0) - value).abs() < 1e-6, "{found:?}")
        };
        near(found.pcc, 0.824_163_4);
        near(found.srcc, 0.8);
        near(found.rmse, 1.166_190_4);
    }

    #[test]
    fn equal_numbers_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn one_value_says_nothing() {
        assert_eq!(agreement(&[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)]).pcc, None);
        assert_eq!(agreement(&[(1.0, 2.0), (2.0, 3.0)]).pcc, None);
    }
}
