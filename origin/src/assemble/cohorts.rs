//! The tastes of a region: its viewers divided into cohorts.
//!
//! Lloyd: Least squares quantization in PCM, IEEE Transactions on Information Theory 28(2), 1982. No dice: the
//! first centroids are viewers spread evenly, sums have a fixed order, so equal viewers give equal cohorts.

use crate::limits::{COHORT_VIEWERS_MAX, COHORTS_MAX};

/// Viewers with a taste in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cohort {
    /// The mean of their factors.
    pub(super) centroid: Vec<f32>,
    /// How many they are.
    pub(super) viewers: usize,
}

/// Divides viewers, each as long as the others, into cohorts; none of none.
pub(super) fn cohorts(viewers: &[&[f32]]) -> Vec<Cohort> {
    let step = viewers.len().div_ceil(COHORT_VIEWERS_MAX).max(1);
    let viewers: Vec<&[f32]> = viewers.iter().step_by(step).copied().collect();
    let count = (viewers.len() / VIEWERS_PER_COHORT).clamp(1, COHORTS_MAX).min(viewers.len());
    let mut cohorts: Vec<Cohort> = (0..count)
        .map(|cohort| Cohort { centroid: viewers[cohort * viewers.len() / count].to_vec(), viewers: 0 })
        .collect();
    for _ in 0..ROUNDS {
        cohorts = means(&viewers, &cohorts);
    }
    cohorts
}

/// The means of the viewers nearest to each centroid; a centroid that nobody is near to is dropped.
fn means(viewers: &[&[f32]], cohorts: &[Cohort]) -> Vec<Cohort> {
    let mut sums: Vec<(Vec<f64>, usize)> =
        cohorts.iter().map(|cohort| (vec![0.0; cohort.centroid.len()], 0)).collect();
    for viewer in viewers {
        let distances = cohorts.iter().map(|cohort| distance(viewer, &cohort.centroid)).enumerate();
        let Some((nearest, _)) = distances.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        let (sum, count) = &mut sums[nearest];
        *count += 1;
        for (sum, number) in sum.iter_mut().zip(*viewer) {
            *sum += f64::from(*number);
        }
    }
    let mean = |(sum, count): (Vec<f64>, usize)| Cohort {
        centroid: sum.into_iter().map(|sum| (sum / count as f64) as f32).collect(),
        viewers: count,
    };
    sums.into_iter().filter(|(_, count)| *count > 0).map(mean).collect()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Fewer do not tell a taste from chance.
const VIEWERS_PER_COHORT: usize = 100;

/// Centroids hardly move after so many.
const ROUNDS: usize = 10;

#[cfg(test)]
mod tests {
    use quickcheck::{TestResult, quickcheck};

    use super::*;

    #[test]
    fn two_tastes_become_two_cohorts() {
        let viewers: Vec<Vec<f32>> = (0..400)
            .map(|viewer| vec![if viewer % 4 == 0 { 5.0 } else { -5.0 }, (viewer % 7) as f32 / 10.0])
            .collect();
        let viewers: Vec<&[f32]> = viewers.iter().map(Vec::as_slice).collect();
        let cohorts = cohorts(&viewers);
        assert!(cohorts.iter().all(|cohort| cohort.centroid[0].abs() > 4.9), "{cohorts:?}");
        let rare: usize = cohorts.iter().filter(|c| c.centroid[0] > 0.0).map(|c| c.viewers).sum();
        assert_eq!(rare, 100);
    }

    #[test]
    fn few_viewers_are_one_cohort_and_none_are_no_cohort() {
        let one = [1.0, 3.0];
        let two = [3.0, 5.0];
        assert_eq!(cohorts(&[&one, &two]), [Cohort { centroid: vec![2.0, 4.0], viewers: 2 }]);
        assert_eq!(cohorts(&[]), []);
    }

    quickcheck! {
        fn every_viewer_is_in_one_cohort(numbers: Vec<i8>) -> TestResult {
            if numbers.is_empty() {
                return TestResult::discard();
            }
            let numbers: Vec<f32> = numbers.repeat(200).into_iter().map(f32::from).collect();
            let viewers: Vec<&[f32]> = numbers.chunks_exact(1).collect();
            let cohorts = cohorts(&viewers);
            TestResult::from_bool(cohorts.iter().map(|cohort| cohort.viewers).sum::<usize>()
                == viewers.len().div_ceil(viewers.len().div_ceil(COHORT_VIEWERS_MAX)))
        }
    }
}
