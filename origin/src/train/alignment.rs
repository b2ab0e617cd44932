//! Brings the vectors of one training over those of another.

use faer::Mat;

/// The rotation, mirrored or not, after which rows of `from` are nearest to those of `to` (Schönemann, "A generalized
/// solution of the orthogonal Procrustes problem", 1966): `width` rows of a matrix that a row is multiplied with.
///
/// Two trainings say the same in other directions; dot products do not tell, but whoever reads single numbers has to
/// know. None where the numbers are not finite.
///
/// # Panics
/// When the two have not as many rows.
pub fn rotation(from: &[f32], to: &[f32], width: usize) -> Option<Vec<f32>> {
    assert_eq!(from.len(), to.len(), "rows of the same items");
    let mut product = Mat::<f64>::zeros(width, width);
    for (from, to) in from.chunks_exact(width).zip(to.chunks_exact(width)) {
        for (row, &a) in from.iter().enumerate() {
            for (column, &b) in to.iter().enumerate() {
                product[(row, column)] += f64::from(a) * f64::from(b);
            }
        }
    }
    let svd = product.svd().ok()?;
    let rotation = svd.U() * svd.V().transpose();
    let numbers = (0..width).flat_map(|row| (0..width).map(move |column| (row, column)));
    let rotation: Vec<f32> = numbers.map(|place| rotation[place] as f32).collect();
    rotation.iter().all(|number| number.is_finite()).then_some(rotation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::random::Random;

    fn times(rows: &[f32], matrix: &[f32], width: usize) -> Vec<f32> {
        let product = |row: &[f32], column: usize| -> f32 {
            row.iter().enumerate().map(|(place, value)| value * matrix[place * width + column]).sum()
        };
        rows.chunks_exact(width)
            .flat_map(|row| (0..width).map(|column| product(row, column)).collect::<Vec<_>>())
            .collect()
    }

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..count).map(|_| random.normal() as f32).collect()
    }

    fn is_near(a: &[f32], b: &[f32]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4)
    }

    #[test]
    fn finds_the_rotation_there_was() {
        fn property(width: u8, seed: u64) -> bool {
            let width = usize::from(width % 8) + 1;
            let from = random(50 * width, seed);
            // Of anything there is a rotation nearest to it.
            let known = rotation(&from, &random(50 * width, seed ^ 1), width).unwrap();
            let found = rotation(&from, &times(&from, &known, width), width).unwrap();
            is_near(&found, &known)
        }
        quickcheck::quickcheck(property as fn(u8, u64) -> bool);
    }

    #[test]
    fn changes_no_dot_product() {
        let (from, to) = (random(300, 1), random(300, 2));
        let turned = times(&from, &rotation(&from, &to, 6).unwrap(), 6);
        let product = |rows: &[f32]| rows[..6].iter().zip(&rows[6..12]).map(|(a, b)| a * b).sum::<f32>();
        assert!((product(&from) - product(&turned)).abs() < 1e-4);
    }

    #[test]
    fn of_nonsense_there_is_none() {
        assert_eq!(rotation(&[f32::NAN; 4], &[1.0; 4], 2), None);
    }
}
