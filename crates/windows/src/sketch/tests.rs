//! Tests of the sketch, beside it for their length.

use alloc::vec::Vec;

use quickcheck::{Arbitrary, Gen, quickcheck};

use super::{Bucket, Sketch, SketchError, middle, place};

/// Numbers of every magnitude.
#[derive(Clone, Debug)]
struct Numbers(Vec<u64>);

impl Arbitrary for Numbers {
    fn arbitrary(g: &mut Gen) -> Self {
        let number = |g: &mut Gen| u64::arbitrary(g) >> (u32::arbitrary(g) % 64);
        Self((0..usize::arbitrary(g) % 200).map(|_| number(g).min(Sketch::VALUE_MAX)).collect())
    }
}

fn sketch(numbers: &[u64]) -> Sketch {
    let mut sketch = Sketch::default();
    numbers.iter().for_each(|&number| sketch.add(number));
    sketch
}

fn merged(a: &Sketch, b: &Sketch) -> Sketch {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

quickcheck! {
    fn a_quantile_is_within_a_64th_of_the_sorted_number(numbers: Numbers, per_mille: u16) -> bool {
        let per_mille = per_mille % 1_001;
        let mut sorted = numbers.0.clone();
        sorted.sort_unstable();
        let Some(quantile) = sketch(&numbers.0).quantile(per_mille) else { return sorted.is_empty() };
        let rank = (sorted.len() * usize::from(per_mille)).div_ceil(1_000).max(1);
        let exact = sorted[rank - 1];
        quantile.abs_diff(exact) <= exact / 64
    }

    fn a_count_up_to_a_bound_leaves_none_out_and_takes_in_less_than_a_32nd_too_many(
        numbers: Numbers,
        bounds: Numbers
    ) -> bool {
        let sketch = sketch(&numbers.0);
        let count = |bound: u64| numbers.0.iter().filter(|&&number| number <= bound).count() as u64;
        let is_near = |&bound: &u64| (count(bound)..=count(bound + bound / 32)).contains(&sketch.count_to(bound));
        let bounds = bounds.0.iter().chain(&numbers.0);
        bounds.into_iter().all(is_near) && sketch.count_to(Sketch::VALUE_MAX) == sketch.count()
    }

    fn a_count_up_to_a_bound_never_falls_when_more_are_counted(numbers: Numbers, bounds: Numbers) -> bool {
        let mut sketch = Sketch::default();
        let counts = |sketch: &Sketch| bounds.0.iter().map(|bound| sketch.count_to(*bound)).collect::<Vec<_>>();
        numbers.0.iter().all(|&number| {
            let before = counts(&sketch);
            sketch.add(number);
            before.iter().zip(counts(&sketch)).all(|(before, after)| *before <= after)
        })
    }

    fn a_merge_is_the_sketch_of_both(a: Numbers, b: Numbers) -> bool {
        let both: Vec<u64> = a.0.iter().chain(&b.0).copied().collect();
        merged(&sketch(&a.0), &sketch(&b.0)) == sketch(&both)
    }

    fn merges_give_the_same_in_any_order(a: Numbers, b: Numbers, c: Numbers) -> bool {
        let (a, b, c) = (sketch(&a.0), sketch(&b.0), sketch(&c.0));
        merged(&merged(&a, &b), &c) == merged(&a, &merged(&b, &c)) && merged(&a, &b) == merged(&b, &a)
    }

    fn count_sum_least_and_greatest_are_exact(numbers: Numbers) -> bool {
        let sketch = sketch(&numbers.0);
        let sum = numbers.0.iter().fold(0_u64, |sum, &number| sum.saturating_add(number));
        sketch.count() == numbers.0.len() as u64
            && sketch.sum() == sum
            && sketch.min() == numbers.0.iter().copied().min()
            && sketch.max() == numbers.0.iter().copied().max()
    }

    fn a_higher_share_never_has_a_lower_quantile(numbers: Numbers, a: u16, b: u16) -> bool {
        let sketch = sketch(&numbers.0);
        sketch.quantile(a.min(b)) <= sketch.quantile(a.max(b))
    }

    fn its_parts_make_it_again(numbers: Numbers) -> bool {
        let sketch = sketch(&numbers.0);
        let (min, max) = (sketch.min().unwrap_or(0), sketch.max().unwrap_or(0));
        Sketch::from_parts(sketch.buckets().to_vec(), sketch.sum(), min, max).as_ref() == Ok(&sketch)
    }

    fn any_parts_are_refused_or_answer(parts: Vec<(u16, u64)>, sum: u64, min: u64, max: u64) -> bool {
        let buckets = parts.into_iter().map(|(place, count)| Bucket { place: place % 1_200, count }).collect();
        let Ok(mut sketch) = Sketch::from_parts(buckets, sum, min, max) else { return true };
        sketch.merge(&sketch.clone());
        sketch.quantile(500).is_some() == (sketch.count() > 0)
    }
}

#[test]
fn every_number_is_in_the_bucket_whose_middle_is_near_it() {
    for shift in 0..=40 {
        for near in [-1_i64, 0, 1] {
            let number = (1_i64 << shift).saturating_add(near).clamp(0, 1 << 40) as u64;
            assert!(middle(place(number)).abs_diff(number) <= number / 64, "{number}");
        }
    }
    assert!((0..Sketch::BUCKETS).all(|bucket| place(middle(bucket)) == bucket));
    assert_eq!(Sketch::BUCKETS, 1_153);
}

/// The sorted list in Python: see crates/golden/scripts/startups.py.
#[test]
fn agrees_with_quantiles_computed_elsewhere() {
    let mut state = 1_u64;
    let numbers: Vec<u64> = (0..10_000)
        .map(|_| {
            state = (state * 48_271) % 2_147_483_647;
            200 + state % 4_801
        })
        .collect();
    let sketch = sketch(&numbers);
    for (per_mille, exact) in [(500, 2_588_u64), (950, 4_754), (990, 4_949)] {
        let quantile = sketch.quantile(per_mille).unwrap();
        assert!(quantile.abs_diff(exact) <= exact / 64, "{quantile} is not near {exact}");
    }
    assert_eq!(sketch.sum(), 25_980_507);
}

#[test]
fn numbers_beyond_the_greatest_count_as_the_greatest() {
    let sketch = sketch(&[u64::MAX, 7]);
    assert_eq!(sketch.max(), Some(Sketch::VALUE_MAX));
    assert_eq!(sketch.sum(), Sketch::VALUE_MAX + 7);
    assert_eq!(sketch.quantile(1_000), Some(Sketch::VALUE_MAX));
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let parts = |buckets: &[(u16, u64)], min, max| {
        let buckets = buckets.iter().map(|&(place, count)| Bucket { place, count }).collect();
        Sketch::from_parts(buckets, 5, min, max).unwrap_err()
    };
    assert_eq!(parts(&[(1_153, 1)], 0, 0), SketchError::PlaceTooHigh { place: 1_153 });
    assert_eq!(parts(&[(3, 1), (3, 1)], 3, 3), SketchError::NotRising { index: 1 });
    assert_eq!(parts(&[(3, 1), (5, 0)], 3, 5), SketchError::Empty { index: 1 });
    assert_eq!(parts(&[(3, 1), (5, 1)], 3, 6), SketchError::BoundsElsewhere { min: 3, max: 6 });
    assert_eq!(parts(&[], 0, 0), SketchError::BoundsElsewhere { min: 0, max: 0 });
}
