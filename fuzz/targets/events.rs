//! A packed batch of folds, its answer, and a packed batch of scores.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::packed;

fuzz_target!(|bytes: &[u8]| {
    _ = qoe::packed::score_batch(bytes);
    _ = packed::folded(bytes).map(Iterator::count);
    let Ok(answer) = packed::fold_batch(bytes) else { return };
    for read in packed::folded(&answer).expect("an answer of this version") {
        let Ok(folded) = read.expect("an answer that adds up") else { continue };
        let session = session::Session::restore(folded.state).expect("a state that was just saved");
        let summary = session.summary();
        assert_eq!(summary, folded.summary);
        let mos = qoe::score(&summary).mos_v1;
        assert!(mos.is_none_or(|mos| (1.0..=5.0).contains(&mos)), "{mos:?}");
    }
});
