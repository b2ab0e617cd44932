//! How much two candidates are alike, from 0 (nothing in common) to 1.
//!
//! Where the tower knows both, the cosine of their vectors of bytes, a negative one counting as 0; else the share of
//! their genres that they have in common (Jaccard). Sums of bytes are whole numbers and one root and one division
//! are rounded correctly, so that every form says the same.

use crate::candidates::Columns;

/// The likeness of two candidates, by their places in the columns.
pub(crate) fn similarity(columns: &Columns, a: usize, b: usize) -> f32 {
    match &columns.vectors {
        Some(vectors) if vectors.item(a).is_some() && vectors.item(b).is_some() => {
            cosine(vectors.matrix.row(a), vectors.matrix.row(b))
        }
        _ => jaccard(columns.genres[a], columns.genres[b]),
    }
}

/// 0 for a vector of zeros, which has no direction.
fn cosine(a: &[i8], b: &[i8]) -> f32 {
    let (mut product, mut square_a, mut square_b) = (0_i32, 0_i32, 0_i32);
    // At most 1,024 products of bytes: far from the end of 32 bits.
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (i32::from(a), i32::from(b));
        product += a * b;
        square_a += a * a;
        square_b += b * b;
    }
    if product <= 0 {
        return 0.0;
    }
    let share = f64::from(product) / libm::sqrt(f64::from(square_a) * f64::from(square_b));
    #[allow(clippy::cast_possible_truncation, reason = "from 0 to 1")]
    let share = share as f32;
    share.min(1.0)
}

fn jaccard(a: u32, b: u32) -> f32 {
    let (shared, all) = ((a & b).count_ones(), (a | b).count_ones());
    #[allow(clippy::cast_precision_loss, reason = "at most 32")]
    let share = |part: u32, whole: u32| part as f32 / whole as f32;
    if all == 0 { 0.0 } else { share(shared, all) }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn genres_in_common_are_counted_against_all_genres_of_both() {
        assert_eq!(jaccard(0b0111, 0b1110), 0.5);
        assert_eq!(jaccard(0b0101, 0b0101), 1.0);
        assert_eq!(jaccard(0b0101, 0b1010), 0.0);
        assert_eq!(jaccard(0, 0), 0.0, "nothing is known of either");
    }

    #[test]
    fn vectors_are_compared_by_direction_alone() {
        // (3, 4) and (4, 3): 24 / 25.
        assert_eq!(cosine(&[3, 4], &[4, 3]), 0.96);
        assert_eq!(cosine(&[30, 40], &[4, 3]), 0.96);
        assert_eq!(cosine(&[1, 0], &[-1, 0]), 0.0, "opposites have nothing in common");
        assert_eq!(cosine(&[0, 0], &[1, 1]), 0.0);
        assert_eq!(cosine(&[-128; 1_024], &[-128; 1_024]), 1.0);
    }

    #[test]
    fn likeness_is_mutual_and_of_0_to_1() {
        #[allow(clippy::needless_pass_by_value, reason = "what quickcheck calls")]
        fn property(a: Vec<i8>, b: Vec<i8>, genres: (u32, u32)) -> bool {
            let (cosines, shares) = (
                [cosine(&a, &b), cosine(&b, &a)],
                [jaccard(genres.0, genres.1), jaccard(genres.1, genres.0)],
            );
            [cosines, shares].iter().all(|[one, other]| one == other && (0.0..=1.0).contains(one))
        }
        quickcheck::quickcheck(property as fn(Vec<i8>, Vec<i8>, (u32, u32)) -> bool);
    }
}
