//! The sequential ridge against numpy: crates/golden/scripts/ridge.py.

use frontrow_origin::train::features::Features;
use frontrow_origin::train::penalty::Penalty;
use frontrow_origin::train::ridge::{Normal, Settings, columns};
use frontrow_origin::train::rows::Rows;
use frontrow_origin::train::sequences::Sequences;

struct Case {
    settings: Settings,
    // The whole matrix, row by row, in the order of titles.
    expected: Vec<Vec<f64>>,
}

fn reference() -> (Sequences, Vec<Case>) {
    let mut sequences = String::new();
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("ridge.txt").lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let numbers: Vec<f64> = rest.split(' ').map(|number| number.parse().unwrap()).collect();
        match (kind, cases.last_mut()) {
            ("sequence", _) => sequences.push_str(&format!("{rest}\n")),
            ("setting", _) => cases.push(Case {
                settings: Settings {
                    features: Features {
                        recency_tau: numbers[0] as f32,
                        window: numbers[1] as usize,
                        backward: numbers[4] as f32,
                    },
                    penalty: Penalty { lambda: numbers[2] as f32, dropout: numbers[3] as f32 },
                    row_entries: usize::MAX,
                },
                expected: Vec::new(),
            }),
            ("row", Some(case)) => case.expected.push(numbers[1..].to_vec()),
            _ => panic!("unknown line {line}"),
        }
    }
    (Sequences::read(sequences.as_bytes()).unwrap(), cases)
}

fn fit(sequences: &Sequences, settings: &Settings) -> Rows {
    let items = columns(&sequences.counts(0), 1, usize::MAX);
    let normal = Normal::new(sequences, 0, &settings.features, items);
    normal.solve(settings.penalty, settings.row_entries).unwrap()
}

#[test]
fn rows_are_those_of_numpy_to_half_a_step() {
    let (sequences, cases) = reference();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let rows = fit(&sequences, &case.settings);
        assert_eq!(rows.len(), case.expected.len());
        for (item, expected) in case.expected.iter().enumerate() {
            let mut row = vec![0.0; rows.len()];
            rows.add_to(&mut row, item, 1.0);
            let step = f64::from(rows.row(item).scale_log2).exp2();
            for (value, expected) in row.iter().zip(expected) {
                let off = (f64::from(*value) - expected).abs();
                assert!(off <= step * 0.501, "item {item}: {value} {expected} {:?}", case.settings);
            }
        }
    }
}

#[test]
fn the_strongest_entries_are_kept_whatever_their_sign() {
    let (sequences, cases) = reference();
    let case = &cases[1];
    let rows = fit(&sequences, &Settings { row_entries: 4, ..case.settings });
    let kept: usize = (0..rows.len()).map(|item| rows.row(item).index.len()).sum();
    assert!((3 * rows.len()..=4 * rows.len()).contains(&kept), "{kept}");
    for (item, expected) in case.expected.iter().enumerate() {
        let kept = rows.row(item);
        let weakest = kept.index.iter().map(|&other| expected[other as usize].abs()).fold(f64::MAX, f64::min);
        for (other, value) in expected.iter().enumerate() {
            let is_kept = kept.index.contains(&u32::try_from(other).unwrap());
            assert!(is_kept || value.abs() <= weakest + 1e-6);
        }
    }
}

#[test]
fn titles_without_a_column_have_no_row_and_are_in_none() {
    let (sequences, cases) = reference();
    let settings = cases[0].settings;
    let counts = sequences.counts(0);
    let items = columns(&counts, 1, 5);
    let rows = Normal::new(&sequences, 0, &settings.features, items.clone())
        .into_rows(settings.penalty, settings.row_entries)
        .unwrap();
    let least = items.iter().map(|&item| counts[item as usize]).min().unwrap();
    for (item, &count) in counts.iter().enumerate() {
        let has_column = items.contains(&u32::try_from(item).unwrap());
        assert!(has_column || (rows.row(item).index.is_empty() && count <= least));
        assert!(rows.row(item).index.iter().all(|other| items.contains(other)));
    }
}

#[test]
fn equal_sequences_give_equal_bytes() {
    let (sequences, cases) = reference();
    for case in cases {
        assert_eq!(fit(&sequences, &case.settings), fit(&sequences, &case.settings));
    }
}
