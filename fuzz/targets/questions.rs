//! Packed questions of bit rate: ladders, tables, samples and sizes of chunks. Any bytes are answered or refused, and
//! every answer can be read.
#![no_main]

use bitrate::packed::{ANSWER_BYTES, PackedError, VERSION, decide_packed, unpack_answers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The version is no search.
    let questions = [&VERSION.to_le_bytes()[..], bytes].concat();
    match decide_packed(&questions) {
        Ok(answers) => {
            let count = (answers.len() - 4) / ANSWER_BYTES;
            assert_eq!(unpack_answers(&answers).map(|answers| answers.len()), Ok(count));
            assert_eq!(decide_packed(&questions), Ok(answers));
        }
        Err(error) => assert!(!matches!(error, PackedError::Version { .. } | PackedError::Answer { .. })),
    }
    _ = unpack_answers(&questions);
});
