//! Structured fields: any bytes are a field or an error, and what is written reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::structured;

fuzz_target!(|field: &[u8]| {
    if let Ok(read) = structured::dictionary(field) {
        let written = structured::write_dictionary(&read).unwrap_or_default();
        assert_eq!(structured::dictionary(written), Ok(read));
    }
    if let Ok(read) = structured::list(field) {
        let written = structured::write_list(&read).unwrap_or_default();
        assert_eq!(structured::list(written), Ok(read));
    }
    if let Ok(read) = structured::item(field) {
        assert_eq!(structured::item(structured::write_item(&read)), Ok(read));
    }
});
