//! The tables of a release: what is read is written as a file that reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use release::{CandidateFile, Histories, decode_factors, encode_factors};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = CandidateFile::decode(bytes) {
        let written = file.encode();
        let again = CandidateFile::decode(&written).expect("what was written is read");
        assert!(again.candidates.columns() == file.candidates.columns());
        assert!(again.encode() == written);
    }
    if let Ok(factors) = decode_factors(bytes) {
        let written = encode_factors(&factors);
        assert!(encode_factors(&decode_factors(&written).expect("what was written is read")) == written);
    }
    if let Ok(histories) = Histories::decode(bytes) {
        let written = histories.encode();
        assert!(Histories::decode(&written).expect("what was written is read").encode() == written);
    }
});
