//! CMSD as hops write it, and as they should not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::quickcheck;
use wire::cmcd::{ObjectType, StreamType, StreamingFormat};
use wire::cmsd::{self, Dynamic, Hop, Static, limits};

#[test]
fn what_an_origin_says_is_read_and_written() {
    let field = "at=1764000000000, br=3200, d=4004, ht=120, n=\"origin-1\", nor=\"../b.m4s\", nrr=\"0-99\", ot=v, \
                 sf=h, st=ll, su";
    let read = Static::read(field).unwrap();
    assert_eq!((read.available_at_unix_ms, read.kbps), (Some(1_764_000_000_000), Some(3_200)));
    assert_eq!((read.duration_ms, read.held_ms), (Some(4_004), Some(120)));
    assert_eq!((read.name.as_deref(), read.next.as_deref()), (Some("origin-1"), Some("../b.m4s")));
    assert_eq!(read.object_type, Some(ObjectType::Video));
    assert_eq!((read.format, read.stream), (Some(StreamingFormat::Hls), Some(StreamType::LowLatencyLive)));
    assert!(read.is_startup && read.passed_over == 0);
    assert_eq!(read.write().as_deref(), Some(field));
    assert_eq!(Static::default().write(), None);
}

#[test]
fn what_cannot_be_is_passed_over_and_counted() {
    let read = Static::read("br=-1, d=\"4\", new=(1 2), st=zz, x, v=1, su=?0, ot=a, ht=0.5").unwrap();
    assert_eq!(read.passed_over, 5);
    assert_eq!((read.kbps, read.object_type, read.held_ms), (None, Some(ObjectType::Audio), Some(1)));
    assert_eq!(Static::read("br=").unwrap_err().code(), "field-malformed");
}

#[test]
fn players_take_the_last_hop() {
    let field = "\"origin\";du;rd=120, \"edge\";etp=48100;mb=5000;new=7;rd=9;rtt=30, (1 2), 7";
    let dynamic = Dynamic::read(field).unwrap();
    assert_eq!((dynamic.hops.len(), dynamic.passed_over), (2, 3), "a parameter and two entries");
    assert!(dynamic.hops[0].is_under_duress);
    let last = dynamic.last().unwrap();
    assert_eq!((last.throughput_kbps, last.max_kbps), (Some(48_100), Some(5_000)));
    assert_eq!((last.response_delay_ms, last.rtt_ms), (Some(9), Some(30)));
    let written = "\"origin\";du;rd=120, \"edge\";etp=48100;mb=5000;rd=9;rtt=30";
    assert_eq!(dynamic.write().as_deref(), Some(written));
}

#[test]
fn a_hop_is_appended_to_what_the_upstream_said() {
    let hop = Hop { rtt_ms: Some(5), ..Hop::named("edge") };
    assert_eq!(cmsd::append(None, &hop).field, "\"edge\";rtt=5");
    assert_eq!(cmsd::append(Some("\"a\";new=7"), &hop).field, "\"a\";new=7, \"edge\";rtt=5");
    let appended = cmsd::append(Some("\"a"), &hop);
    assert_eq!((&*appended.field, appended.dropped.is_some()), ("\"edge\";rtt=5", true));
    assert_eq!(cmsd::append(Some("\"a\""), &Hop::named("é")).field, "\"a\"");
}

#[test]
fn a_loop_of_proxies_does_not_grow_the_header_for_ever() {
    let mut field = String::new();
    for index in 0..100 {
        field = cmsd::append(Some(&field), &Hop::named(format!("hop-{index}"))).field;
    }
    let dynamic = Dynamic::read(&field).unwrap();
    assert_eq!((dynamic.hops.len(), &*dynamic.last().unwrap().name), (limits::HOPS_MAX, "hop-99"));
}

quickcheck! {
    fn any_text_is_read_or_refused_and_a_hop_can_be_appended(text: String) -> bool {
        _ = Static::read(&text);
        _ = Dynamic::read(&text);
        Dynamic::read(&cmsd::append(Some(&text), &Hop::named("edge")).field).unwrap().last().unwrap().name == "edge"
    }

    fn what_is_written_reads_as_the_same(kbps: u32, ms: u32, duress: bool) -> bool {
        let kbps = Some(kbps % 10_000_000);
        let ms = Some(u64::from(ms % 2_000_000_000));
        let hop = Hop {
            name: "a \"b\" \\".to_owned(),
            is_under_duress: duress,
            throughput_kbps: kbps,
            max_kbps: kbps,
            response_delay_ms: ms,
            rtt_ms: ms,
        };
        let dynamic = Dynamic { hops: vec![hop], ..Dynamic::default() };
        let fixed = Static { kbps, duration_ms: ms, is_startup: duress, ..Static::default() };
        Dynamic::read(&dynamic.write().unwrap()) == Ok(dynamic)
            && Static::read(&fixed.write().unwrap()) == Ok(fixed)
    }
}
