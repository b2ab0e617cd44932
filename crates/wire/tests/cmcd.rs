//! CMCD as players write it, and as they should not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::quickcheck;
use wire::cmcd::{
    Cause, Cmcd, CmcdError, Custom, CustomValue, Event, Key, Kind, Measured, Mode, ObjectType, Reader,
    Shards, State, StreamType, StreamingFormat, Weight, Writer, limits,
};

const EVENT: Writer = Writer { version: 2, mode: Mode::Event };
const REQUEST_1: Writer = Writer { version: 1, mode: Mode::Request };
const REQUEST_2: Writer = Writer { version: 2, mode: Mode::Request };

/// What is wrong with a line, as `code:key`.
fn findings(reader: Reader, line: &str) -> Vec<String> {
    match reader.line(line) {
        Ok(reading) => {
            let named = |key: Option<Key>| key.map_or(String::new(), |key| format!(":{}", key.name()));
            let findings = reading.findings.iter();
            findings.map(|finding| format!("{}{}", finding.cause.code(), named(finding.key))).collect()
        }
        Err(error) => vec![error.code().to_owned()],
    }
}

fn check_event(line: &str, expected: &[&str]) {
    assert_eq!(findings(Reader::EVENTS, line), expected, "{line}");
}

fn check_request(line: &str, expected: &[&str]) {
    assert_eq!(findings(Reader::REQUESTS, line), expected, "{line}");
}

#[test]
fn a_request_of_version_1_is_read_with_its_units_and_vocabularies() {
    let line = "bl=21300,br=3200,bs,cid=\"faec5fc2\",d=4004,dl=18500,mtp=25400,nor=\"..%2F300kbps%2Ftrack.m4v\",\
                nrr=\"12323-48763\",ot=v,pr=1.08,rtp=15000,sf=h,sid=\"6e2fb550\",st=v,su,tb=6000";
    check_request(line, &[]);
    let report = Reader::REQUESTS.line(line).unwrap().report;
    assert_eq!((report.picture(Key::Br), report.sound(Key::Br)), (Some(3_200), None));
    assert_eq!(report.picture(Key::Bl), Some(21_300));
    assert_eq!((report.integer(Key::D), report.integer(Key::Rtp)), (Some(4_004), Some(15_000)));
    assert_eq!((report.flag(Key::Bs), report.flag(Key::Su), report.flag(Key::Bg)), (true, true, false));
    assert_eq!((report.text(Key::Sid), report.text(Key::Cid)), (Some("6e2fb550"), Some("faec5fc2")));
    assert_eq!(report.playback_rate_milli(), 1_080);
    assert_eq!(report.object_type(), Some(ObjectType::Video));
    assert_eq!((report.format(), report.stream()), (Some(StreamingFormat::Hls), Some(StreamType::OnDemand)));
    assert_eq!(report.next()[0].path, "../300kbps/track.m4v");
    assert_eq!(report.next()[0].range.as_deref(), Some("12323-48763"));
    assert_eq!(REQUEST_1.line(&report), line);
}

#[test]
fn an_event_of_version_2_tells_numbers_by_type() {
    let line = "bl=(2100;v 2400;a),br=(3200;v 128;a),bsd=(400;v 250;v),e=ps,ec=(\"a\" \"b\\\"\"),\
                nor=(\"../a.m4s\";r=\"0-99\" \"b.m4s\"),sid=\"s\",sn=17,sta=r,ts=1764000000000,v=2";
    check_event(line, &[]);
    let report = Reader::EVENTS.line(line).unwrap().report;
    assert_eq!((report.event(), report.state()), (Some(Event::PlayState), Some(State::Rebuffering)));
    assert_eq!((report.picture(Key::Bl), report.sound(Key::Bl)), (Some(2_100), Some(2_400)));
    assert_eq!((report.picture(Key::Br), report.sound(Key::Br)), (Some(3_200), Some(128)));
    assert_eq!(report.sum(Key::Bsd), Some(650));
    assert_eq!(report.errors(), ["a", "b\""]);
    assert_eq!(report.next().len(), 2);
    assert_eq!(report.version(), 2);
    assert_eq!(EVENT.line(&report), line);
}

#[test]
fn a_request_for_sound_says_nothing_about_the_picture() {
    let report = Reader::REQUESTS.line("br=128,ot=a,sid=\"s\"").unwrap().report;
    assert_eq!((report.picture(Key::Br), report.sound(Key::Br)), (None, Some(128)));
    let report = Reader::REQUESTS.line("br=(2000;av),ot=av,sid=\"s\",v=2").unwrap().report;
    assert_eq!((report.picture(Key::Br), report.sound(Key::Br)), (Some(2_000), Some(2_000)));
}

#[test]
fn shards_are_merged_and_a_key_in_a_wrong_one_counts_and_is_told() {
    let shards = Shards {
        object: Some("br=(3200;v),ot=v,tb=(6000;v)"),
        request: Some("bl=(2100;v),mtp=(25400;v),bs"),
        session: Some("sid=\"s\",v=2"),
        status: Some("rtp=15000"),
    };
    let reading = Reader::REQUESTS.headers(&shards).unwrap();
    let told: Vec<_> = reading.findings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["wrong-header: bs in CMCD-Request"]);
    assert!(reading.report.flag(Key::Bs) && reading.refused().is_none());
    let written = REQUEST_2.headers(&reading.report).texts;
    let expected =
        ["br=(3200;v),ot=v,tb=(6000;v)", "bl=(2100;v),mtp=(25400;v)", "sid=\"s\",v=2", "bs,rtp=15000"];
    assert_eq!(written, expected.map(|text| Some(text.to_owned())));
    assert_eq!(REQUEST_2.headers(&Cmcd::default()).texts, [None, None, Some("v=2".to_owned()), None]);
}

#[test]
fn a_query_is_found_among_other_arguments_and_decoded() {
    let mut decoded = String::new();
    let query = "a=1&CMCD=bl%3D2100%2Cnor%3D%22a%252Fb.m4s%22%2Csid%3D%22s%22&b=CMCD";
    let reading = Reader::REQUESTS.query(query, &mut decoded).unwrap().unwrap();
    assert_eq!(reading.report.next()[0].path, "a/b.m4s");
    assert_eq!(format!("a=1&{}&b=CMCD", REQUEST_1.query(&reading.report)), query);
    assert!(Reader::REQUESTS.query("XCMCD=bs&cmcd=bs", &mut decoded).unwrap().is_none());
    let broken = Reader::REQUESTS.query("CMCD=%", &mut decoded).unwrap_err();
    assert_eq!(broken.code(), "cmcd-malformed");
}

#[test]
fn each_line_of_a_body_stands_for_itself() {
    let body = b"e=t,sid=\"s\",ts=1,v=2\r\n\ne=t,=\ne=t,sid=\"\xff\"\ne=t,sid=\"s\",ts=2,v=2\n";
    let (lines, readings): (Vec<_>, Vec<_>) = Reader::EVENTS.body(body).unwrap().unzip();
    assert_eq!(lines, ["e=t,sid=\"s\",ts=1,v=2", "e=t,=", "", "e=t,sid=\"s\",ts=2,v=2"]);
    assert_eq!(readings[0].as_ref().unwrap().report.integer(Key::Ts), Some(1));
    assert_eq!(readings[1].as_ref().unwrap_err().code(), "cmcd-malformed");
    assert_eq!(readings[2].as_ref().unwrap_err(), &CmcdError::Malformed { at: Some(9) });
    let last = readings[3].as_ref().unwrap();
    assert_eq!(
        last.findings.iter().map(|finding| finding.cause).collect::<Vec<_>>(),
        [Cause::TrailingLineFeed]
    );
    let reports = [&readings[0].as_ref().unwrap().report, &last.report];
    assert_eq!(EVENT.body(reports), "e=t,sid=\"s\",ts=1,v=2\ne=t,sid=\"s\",ts=2,v=2");
}

#[test]
fn the_json_of_version_1_reads_as_the_line_does() {
    let json =
        r#"{"bl":21300,"br":3200.4,"bs":true,"com.example-a":1,"nor":"a%2Fb","ot":"v","pr":1.5,"sid":"s"}"#;
    let reader = Reader { keeps_custom: true, ..Reader::REQUESTS };
    let reading = reader.json(json).unwrap();
    let line = "bl=21300,br=3200,bs,com.example-a=1,nor=\"a%2Fb\",ot=v,pr=1.5,sid=\"s\"";
    assert_eq!(REQUEST_1.line(&reading.report), line);
    assert_eq!(
        reading.findings.iter().map(|finding| finding.cause).collect::<Vec<_>>(),
        [Cause::NotAnInteger]
    );
    for broken in ["", "[]", "{\"a\":}", "1"] {
        assert_eq!(reader.json(broken).unwrap_err().code(), "cmcd-malformed", "{broken}");
    }
}

#[test]
fn what_cannot_be_trusted_is_refused_and_the_rest_remarked() {
    let good = "e=ps,sid=\"s\",sta=p,ts=1,v=2";
    check_event(good, &[]);
    check_event("e=ps,sid=\"s\",ts=1,v=2", &["event-without-field:sta"]);
    check_event("e=bc,sid=\"s\",ts=1,v=2", &["event-without-field:br"]);
    check_event("e=e,sid=\"s\",ts=1,v=2", &["event-without-field:ec"]);
    check_event("e=rr,rc=200,sid=\"s\",ts=1,v=2", &["event-without-field:url"]);
    check_event("e=ce,sid=\"s\",ts=1,v=2", &["event-without-field:cen"]);
    check_event("bg=?0,e=b,sid=\"s\",ts=1,v=2", &[]);
    check_event("e=t,sid=\"s\",v=2", &["time-missing:ts"]);
    check_event("sid=\"s\",ts=1,v=2", &["event-missing:e"]);
    check_event("e=zz,sid=\"s\",ts=1,v=2", &["unknown-token:e"]);
    check_event("e=t,sid=\"s\",ts=1", &["version-missing:v"]);
    check_event("e=t,sid=\"s\",ts=1,v=3", &["version-unsupported:v"]);
    check_event("e=t,ts=1,v=2", &["session-missing:sid"]);
    check_event("e=t,rc=200,sid=\"s\",ts=1,v=2", &["key-of-other-mode:rc"]);
    check_event("e=t,sid=s,ts=1,v=2", &["wrong-type:sid", "session-missing:sid"]);
    check_event("e=t,ltc=-20,sid=\"s\",ts=1,v=2", &["clock-ahead:ltc"]);
    check_event("e=t,pt=-20,sid=\"s\",ts=1,v=2", &["out-of-range:pt"]);
    check_event("br=(-1;v),e=t,sid=\"s\",ts=1,v=2", &["out-of-range:br"]);
    check_event("br=3000,e=t,sid=\"s\",ts=1,v=2", &["not-a-list:br"]);
    check_event("bl=(2150),e=t,sid=\"s\",ts=1,v=2", &["not-rounded:bl"]);
    check_event("ab=(1),br=(1),e=t,sid=\"s\",ts=1,v=2", &["key-superseded:ab"]);
    check_event("d=4000,e=t,ot=m,sid=\"s\",ts=1,v=2", &["key-of-other-object:d"]);
    check_event("e=t,nrr=\"0-\",sid=\"s\",ts=1,v=2", &["key-of-other-version:nrr"]);
    check_event("e=t,ot=zz,sid=\"s\",ts=1,v=2", &["unknown-type:ot"]);
    check_event("e=t,e=ps,sid=\"s\",sta=p,ts=1,v=2", &["key-repeated:e"]);
    check_event("e=t,sid=\"s\",ts=1.5,v=2", &["not-an-integer:ts"]);
    check_request("br=(1),sid=\"s\"", &["not-a-scalar:br"]);
    check_request("bg,sid=\"s\"", &["version-unsaid:v"]);
    check_request("sid=\"s\",v=1", &["version-needless:v"]);
    check_request("e=t,sid=\"s\",ts=1,v=2", &["key-of-other-mode:e", "key-of-other-mode:ts"]);
}

#[test]
fn a_later_value_replaces_an_earlier_one_with_all_that_was_wrong_with_it() {
    check_event("br=(-1),br=(5;v),e=t,sid=\"s\",ts=1,v=2", &["key-repeated:br"]);
    let report = Reader::EVENTS.line("br=(1;v 2;v),br=(5;v),e=t,sid=\"s\",ts=1,v=2").unwrap().report;
    assert_eq!(report.numbers(Key::Br), [Measured { value: 5, of: Some(ObjectType::Video) }]);
}

#[test]
fn unknown_keys_are_counted_and_custom_ones_kept_on_request() {
    let line = "com.example-b=tok,com.example-a=\"x\",e=t,new=(1 2);p,sid=\"s\",ts=1,v=2,x-1=2.50,x-2";
    let reading = Reader::EVENTS.line(line).unwrap();
    assert_eq!((reading.report.others(), reading.report.custom().len()), (5, 0));
    let reading = Reader { keeps_custom: true, ..Reader::EVENTS }.line(line).unwrap();
    assert_eq!((reading.report.others(), reading.report.custom().len()), (1, 4));
    let written = "com.example-a=\"x\",com.example-b=tok,e=t,sid=\"s\",ts=1,v=2,x-1=2.5,x-2";
    assert_eq!(EVENT.line(&reading.report), written);
}

#[test]
fn every_limit_has_a_code() {
    let long = |key: &str, chars: usize| format!("e=t,{key}=\"{}\",ts=1,v=2", "x".repeat(chars));
    check_event(&long("sid", limits::SESSION_CHARS_MAX), &[]);
    let too_long = long("sid", limits::SESSION_CHARS_MAX + 1);
    check_event(&too_long, &["text-too-long:sid", "session-missing:sid"]);
    let range = |chars| format!("e=t,nor=(\"a\";r=\"{}\"),sid=\"s\",ts=1,v=2", "1".repeat(chars));
    check_event(&range(limits::RANGE_CHARS_MAX), &[]);
    check_event(&range(limits::RANGE_CHARS_MAX + 1), &["text-too-long:nor"]);
    check_event(&long("x", limits::LINE_BYTES_MAX), &["line-too-long"]);
    let keys: Vec<_> = (0..=limits::KEYS_MAX).map(|index| format!("k{index}")).collect();
    check_event(&keys.join(","), &["too-many-keys"]);
    let numbers = vec!["1"; limits::NUMBERS_MAX + 1].join(" ");
    let line = format!("bsd=({numbers}),e=t,sid=\"s\",ts=1,v=2");
    assert_eq!(findings(Reader::EVENTS, &line)[0], "too-many-values:bsd");
    let body = "x\n".repeat(limits::BODY_LINES_MAX + 1);
    let (_, last) = Reader::EVENTS.body(body.as_bytes()).unwrap().last().unwrap();
    assert_eq!(last.unwrap_err().code(), "too-many-lines");
    let body = "x".repeat(limits::BODY_BYTES_MAX + 1);
    assert_eq!(Reader::EVENTS.body(body.as_bytes()).err().unwrap().code(), "body-too-long");
}

#[test]
fn the_writer_rounds_and_leaves_out_what_version_and_mode_do_not_have() {
    let mut report = Cmcd::default();
    let video = |value| Measured { value, of: Some(ObjectType::Video) };
    let sound = |value| Measured { value, of: Some(ObjectType::Audio) };
    report.set_numbers(Key::Bl, &[sound(149), video(150)]).unwrap();
    report.set_numbers(Key::Ab, &[video(9)]).unwrap();
    report.set_numbers(Key::Br, &[sound(128), video(3_200)]).unwrap();
    report.set_integer(Key::Dl, 49).unwrap();
    report.set_integer(Key::Rtp, 2_051).unwrap();
    report.set_flag(Key::Bs, false).unwrap();
    report.set_flag(Key::Bg, false).unwrap();
    report.set_playback_rate_milli(1_000).unwrap();
    report.set_object_type(ObjectType::Video);
    report.add_next("a b", Some("0-".into())).unwrap();
    report.set_text(Key::Sid, "s").unwrap();
    report.set_state(State::Playing);
    report.set_event(Event::Background);
    report.set_integer(Key::Ts, 7).unwrap();
    let line = "bl=150,br=3200,dl=0,nor=\"a%20b\",nrr=\"0-\",ot=v,rtp=2100,sid=\"s\"";
    assert_eq!(REQUEST_1.line(&report), line.replace("bl=150", "bl=200"));
    let line =
        "bl=(100;a 200;v),br=(128;a 3200;v),dl=0,nor=(\"a b\";r=\"0-\"),ot=v,rtp=2100,sid=\"s\",sta=p,v=2";
    assert_eq!(REQUEST_2.line(&report), line);
    let line = "bg=?0,bl=(100;a 200;v),br=(128;a 3200;v),dl=0,e=b,nor=(\"a b\";r=\"0-\"),ot=v,rtp=2100,sid=\"s\",\
                sta=p,ts=7,v=2";
    assert_eq!(EVENT.line(&report), line);
    report.set_event(Event::PlaybackRate);
    assert!(EVENT.line(&report).contains(",pr=1.0,"));
}

#[test]
fn setters_refuse_what_no_reader_would_take() {
    let mut report = Cmcd::default();
    assert_eq!(report.set_integer(Key::Br, 1), Err(Cause::WrongType));
    assert_eq!(report.set_integer(Key::Rc, 1_000), Err(Cause::OutOfRange));
    assert_eq!(report.set_text(Key::Cid, "é"), Err(Cause::NotAscii));
    assert_eq!(report.set_flag(Key::V, true), Err(Cause::WrongType));
    assert_eq!(
        report.set_numbers(Key::Br, &[Measured { value: u32::MAX, of: None }]),
        Err(Cause::OutOfRange)
    );
    let custom = |name: &'static str, value| Custom { name: name.into(), value };
    assert_eq!(report.add_custom(custom("nohyphen", CustomValue::Flag(true))), Err(Cause::WrongType));
    let token = CustomValue::Token("not a token".into());
    assert_eq!(report.add_custom(custom("a-b", token)), Err(Cause::WrongType));
}

#[test]
fn codes_are_different_from_each_other() {
    let mut codes: Vec<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Cause::ALL.len());
    assert!(Cause::ALL.iter().any(|cause| cause.weight() == Weight::Remarked));
}

/// Lines made of pieces that occur, so that most of them parse.
fn line_of(pieces: &[u8]) -> String {
    const VALUES: [&str; 14] = [
        "",
        "=1",
        "=-7",
        "=2.5",
        "=?0",
        "=\"x\\\"y\"",
        "=p",
        "=ps",
        "=(1;v 2;a 3)",
        "=()",
        "=(\"a\";r=\"0-\")",
        "=:YQ==:",
        "=999999999999999",
        ";p=1",
    ];
    let member = |piece: &u8| {
        let key =
            Key::ALL.get(usize::from(*piece) % (Key::ALL.len() + 3)).map_or("com.x-y", |key| key.name());
        format!("{key}{}", VALUES[usize::from(*piece) % VALUES.len()])
    };
    pieces.iter().map(member).collect::<Vec<_>>().join(",")
}

fn same(a: &Cmcd<'_>, b: &Cmcd<'_>) -> bool {
    Key::ALL.iter().all(|key| match key.kind() {
        Kind::Numbers { .. } => a.numbers(*key) == b.numbers(*key),
        Kind::Integer { .. } => a.integer(*key) == b.integer(*key),
        Kind::Text { .. } => a.text(*key) == b.text(*key),
        Kind::Flag => a.flag(*key) == b.flag(*key),
        _ => true,
    }) && (a.event(), a.state(), a.object_type(), a.format(), a.stream())
        == (b.event(), b.state(), b.object_type(), b.format(), b.stream())
        && (a.next(), a.errors(), a.playback_rate_milli()) == (b.next(), b.errors(), b.playback_rate_milli())
}

quickcheck! {
    fn any_text_is_a_report_or_an_error(text: String) -> bool {
        let mut decoded = String::new();
        _ = Reader::EVENTS.line(&text);
        _ = Reader::REQUESTS.query(&format!("CMCD={text}"), &mut decoded);
        _ = Reader::REQUESTS.json(&text);
        Reader::EVENTS.body(text.as_bytes()).map_or(0, Iterator::count) <= limits::BODY_LINES_MAX + 1
    }

    fn what_was_read_and_written_reads_as_the_same(pieces: Vec<u8>) -> bool {
        let line = line_of(&pieces);
        let reader = Reader { keeps_custom: true, ..Reader::EVENTS };
        let Ok(first) = reader.line(&line) else { return true };
        // What is written once is rounded and of version 2: from then on nothing changes.
        let once = EVENT.line(&first.report);
        let second = reader.line(&once).unwrap();
        let twice = EVENT.line(&second.report);
        let third = reader.line(&twice).unwrap();
        once == twice && same(&second.report, &third.report)
    }
}
