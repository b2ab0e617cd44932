//! The default model on real histories. The data are not ours to ship: without them the test says so.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use frontrow_origin::evaluate;
use frontrow_origin::train::Options;
use frontrow_origin::train::sequences::Sequences;

/// `FRONTROW_DATA`, or the folder beside the checkout.
fn data() -> PathBuf {
    let beside = || PathBuf::from("../../shared/data");
    std::env::var_os("FRONTROW_DATA").map_or_else(beside, PathBuf::from)
}

#[test]
fn finds_the_next_title_for_nearly_one_viewer_in_four() {
    let path = data().join("movietweetings-100k/loo5.txt");
    let Ok(file) = File::open(&path) else {
        eprintln!("not measured: there is no {} (FRONTROW_DATA names another folder)", path.display());
        return;
    };
    let sequences = Sequences::read(BufReader::new(file)).unwrap();
    let report = evaluate::ridge(&sequences, &Options::default()).unwrap();
    assert_eq!((report.users, report.items), (4_333, 2_414));
    // Popularity alone finds 0.146; the dense float64 model of the same settings 0.245.
    assert!(report.details.rows_alone.hr_at_10 >= 0.235, "{report:?}");
    assert!(report.hr_at_10 >= 0.235 && report.ndcg_at_10 >= 0.130, "{report:?}");
    assert!(report.bytes < 4_000_000 && report.loss_int8 <= 0.003, "{report:?}");
}
