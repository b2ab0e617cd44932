//! Channels, titles and the names of targets.

use release::limits::{CHANNEL_BYTES_MAX, TITLES_BYTES_MAX};
use release::{Channel, FileError, Title, Titles, channel_target, file_target, manifest_target, sha256_hex};

fn title(id: u32, name: &str, year: Option<u16>) -> Title {
    Title { id, name: name.to_owned(), year, genres: vec!["drama".to_owned()] }
}

#[test]
fn a_channel_is_a_name_and_a_number() {
    let bytes = Channel::new("stable", 7).encode();
    assert_eq!(bytes, br#"{"schema":"frontrow-channel-1","channel":"stable","generation":7}"#);
    assert_eq!(Channel::decode(&bytes), Ok(Channel::new("stable", 7)));
}

#[test]
fn a_channel_of_another_schema_shape_or_size_is_refused() {
    let other = br#"{"schema":"frontrow-channel-2","channel":"stable","generation":7}"#;
    assert_eq!(Channel::decode(other), Err(FileError::Schema { expected: "frontrow-channel-1" }));
    for wrong in [
        r#"{"schema":"frontrow-channel-1","channel":"stable"}"#,
        r#"{"schema":"frontrow-channel-1","channel":"stable","generation":-1}"#,
        r#"{"schema":"frontrow-channel-1","channel":"stable","generation":7,"more":1}"#,
        r#"{"schema":"frontrow-channel-1","channel":"stable","generation":7}{}"#,
    ] {
        assert!(matches!(Channel::decode(wrong.as_bytes()), Err(FileError::Json { .. })), "{wrong}");
    }
    let long = vec![b' '; CHANNEL_BYTES_MAX + 1];
    let refused = FileError::TooLarge { bytes: CHANNEL_BYTES_MAX + 1, max: CHANNEL_BYTES_MAX };
    assert_eq!(Channel::decode(&long), Err(refused));
}

#[test]
fn titles_are_found_by_their_id_whatever_their_order() {
    let titles = Titles::new(vec![title(9, "Nine", Some(1999)), title(2, "Two", None)]).unwrap();
    let again = Titles::decode(&titles.encode()).unwrap();
    assert_eq!(again, titles);
    assert_eq!(again.get(9).map(|title| title.name.as_str()), Some("Nine"));
    assert_eq!(again.get(3), None);
    let ids: Vec<u32> = again.as_slice().iter().map(|title| title.id).collect();
    assert_eq!(ids, [2, 9]);
    let swapped = Titles::new(vec![title(2, "Two", None), title(9, "Nine", Some(1999))]).unwrap();
    assert_eq!(swapped.encode(), titles.encode());
}

#[test]
fn an_unknown_year_is_left_out() {
    let bytes = Titles::new(vec![title(2, "Two", None)]).unwrap().encode();
    let expected = r#"{"schema":"frontrow-titles-1","titles":[{"id":2,"name":"Two","genres":["drama"]}]}"#;
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn two_titles_of_one_id_are_refused() {
    let refused = Titles::new(vec![title(2, "a", None), title(2, "b", None)]).unwrap_err();
    assert_eq!(refused, FileError::Value { field: "id" });
}

#[test]
fn titles_of_another_schema_shape_or_size_are_refused() {
    let other = br#"{"schema":"frontrow-titles-2","titles":[]}"#;
    assert_eq!(Titles::decode(other), Err(FileError::Schema { expected: "frontrow-titles-1" }));
    let extra = br#"{"schema":"frontrow-titles-1","titles":[{"id":1,"name":"a","genres":[],"x":1}]}"#;
    assert_eq!(Titles::decode(extra), Err(FileError::Json { line: 1, column: 74 }));
    let long = vec![0; TITLES_BYTES_MAX + 1];
    let refused = FileError::TooLarge { bytes: TITLES_BYTES_MAX + 1, max: TITLES_BYTES_MAX };
    assert_eq!(Titles::decode(&long), Err(refused));
}

#[test]
fn targets_are_flat_names() {
    assert_eq!(channel_target("stable"), "channel-stable.json");
    assert_eq!(manifest_target(42), "manifest-42.json");
    // FIPS 180-4: the digest of nothing.
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(file_target(&sha256_hex(b"")), format!("sha256-{nothing}"));
}
