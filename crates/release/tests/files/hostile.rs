//! Bytes that nobody of us wrote: refused, never a panic.

use quickcheck::quickcheck;
use release::{CandidateFile, Channel, FileError, Histories, Manifest, Titles, decode_factors};

use crate::manifest::sound;

fn decode_all(bytes: &[u8]) -> Vec<Option<FileError>> {
    vec![
        CandidateFile::decode(bytes).err(),
        decode_factors(bytes).err(),
        Histories::decode(bytes).err(),
        Manifest::decode(bytes).err(),
        Channel::decode(bytes).err(),
        Titles::decode(bytes).err(),
    ]
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let files = [golden::candidates(), golden::factors(), golden::histories()];
    for (kind, file) in files.into_iter().enumerate() {
        for length in 0..file.len() {
            let refused = decode_all(&file[..length]).swap_remove(kind);
            assert_eq!(refused, Some(FileError::NotSafetensors), "{length} of {} bytes", file.len());
        }
        let longer = [file, &[0]].concat();
        assert_eq!(decode_all(&longer).swap_remove(kind), Some(FileError::NotSafetensors), "a byte more");
    }
}

#[test]
fn json_cut_at_any_byte_is_refused() {
    let titles = br#"{"schema":"frontrow-titles-1","titles":[]}"#.to_vec();
    let files = [sound().encode(), Channel::new("stable", 7).encode(), titles];
    for (kind, file) in files.iter().enumerate() {
        assert_eq!(decode_all(file)[kind + 3], None);
        for length in 0..file.len() {
            let refused = decode_all(&file[..length]).swap_remove(kind + 3);
            assert!(matches!(refused, Some(FileError::Json { .. })), "{refused:?} at {length}");
        }
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    for length in [0, 1, 7, 100_000_000, 100_000_001, u64::from(u32::MAX), u64::MAX - 7, u64::MAX] {
        let bytes = [&length.to_le_bytes()[..], b"{\"a\":1}"].concat();
        assert_eq!(CandidateFile::decode(&bytes).unwrap_err(), FileError::NotSafetensors, "{length}");
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let headers = [
        r#"{"title_id":{"dtype":"U32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
        r#"{"title_id":{"dtype":"U32","shape":[18446744073709551615],"data_offsets":[0,4]}}"#,
        r#"{"title_id":{"dtype":"U32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"title_id":{"dtype":"U32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}}"#,
        r#"{"title_id":{"dtype":"U32","shape":[2],"data_offsets":[0,4]}}"#,
        r#"{"title_id":{"dtype":"Q9","shape":[1],"data_offsets":[0,4]}}"#,
        r#"{"title_id":{"dtype":"U32","shape":[-1],"data_offsets":[0,4]}}"#,
        r#"{"title_id":[[[[[[[[[[[[]]]]]]]]]]]]}"#,
        "[]",
        "null",
        "",
    ];
    for header in headers {
        let length = u64::try_from(header.len()).unwrap();
        let bytes = [&length.to_le_bytes()[..], header.as_bytes(), &[1, 0, 0, 0]].concat();
        assert_eq!(CandidateFile::decode(&bytes).unwrap_err(), FileError::NotSafetensors, "{header}");
    }
}

quickcheck! {
    fn arbitrary_bytes_are_refused(bytes: Vec<u8>) -> bool {
        decode_all(&bytes).iter().all(Option::is_some)
    }

    fn arbitrary_headers_are_refused(header: String, data: Vec<u8>) -> bool {
        let length = u64::try_from(header.len()).unwrap();
        let bytes = [&length.to_le_bytes()[..], header.as_bytes(), &data].concat();
        decode_all(&bytes).iter().all(Option::is_some)
    }

    /// A file with flipped bytes may still be sound; then it is written and read again.
    fn flipped_bytes_never_end_in_a_panic(flips: Vec<(usize, u8)>) -> bool {
        let flipped = |file: &[u8]| {
            let mut bytes = file.to_vec();
            for &(place, bits) in flips.iter().take(4) {
                let place = place % bytes.len();
                bytes[place] ^= bits;
            }
            bytes
        };
        let candidates = CandidateFile::decode(&flipped(golden::candidates()));
        let factors = decode_factors(&flipped(golden::factors()));
        let histories = Histories::decode(&flipped(golden::histories()));
        let manifest = Manifest::decode(&flipped(&sound().encode()));
        u8::from(candidates.is_ok_and(|file| CandidateFile::decode(&file.encode()).is_err()))
            + u8::from(factors.is_ok_and(|model| decode_factors(&release::encode_factors(&model)).is_err()))
            + u8::from(histories.is_ok_and(|file| Histories::decode(&file.encode()) != Ok(file)))
            + u8::from(manifest.is_ok_and(|file| Manifest::decode(&file.encode()) != Ok(file)))
            == 0
    }
}
