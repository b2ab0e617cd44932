//! What a session learns from CMCD.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::quickcheck;
use session::{EventKind, Phase, Session};
use units::UnixMillis;
use wire::cmcd::{Mode, Reader, Received};

const NOW: UnixMillis = UnixMillis::new(1_764_000_900_000);

fn received(mode: Mode) -> Received {
    Received { mode, at: NOW, has_events: false }
}

fn kinds(reader: Reader, line: &str) -> Vec<EventKind> {
    let reading = reader.line(line).unwrap();
    assert!(reading.refused().is_none(), "{line}: {:?}", reading.findings);
    reading.report.facts(received(reader.mode)).iter().map(|fact| fact.kind).collect()
}

fn check_event(keys: &str, expected: &[EventKind]) {
    assert_eq!(kinds(Reader::EVENTS, &format!("{keys},sid=\"s\",ts=1,v=2")), expected, "{keys}");
}

#[test]
fn every_event_and_state_has_its_meaning() {
    use EventKind::{
        AdEnd, AdStart, Background, BitrateChange, BufferingEnd, BufferingStart, Error, Foreground,
        Heartbeat, Pause, Resume, SeekStart, Start, Stop,
    };
    check_event("e=ps,sta=s", &[Start]);
    check_event("e=ps,sta=p", &[Resume]);
    check_event("e=ps,sta=r", &[BufferingStart]);
    check_event("e=ps,sta=a", &[Pause]);
    check_event("e=ps,sta=k", &[SeekStart]);
    check_event("e=ps,sta=e", &[Stop]);
    check_event("e=ps,sta=q", &[Stop]);
    check_event("e=ps,sta=f", &[Error, Stop]);
    check_event("e=t,sta=f", &[Stop]);
    check_event("e=ps,sta=d", &[Heartbeat]);
    check_event("e=b,bg", &[Background]);
    check_event("e=b,bg=?0", &[Foreground]);
    check_event("e=as", &[AdStart]);
    check_event("e=abe", &[AdEnd]);
    check_event("e=e,ec=(\"x\"),sta=p", &[Error]);
    check_event("e=bc,br=(3000;v)", &[BitrateChange]);
    check_event("e=bc,br=(128;a)", &[Heartbeat]);
    check_event("e=c,cid=\"b\"", &[Start]);
    check_event("e=c,cid=\"b\",sta=p", &[Start, Resume]);
    check_event("e=rr,sta=r,url=\"u\"", &[Heartbeat]);
    check_event("e=t,sta=p", &[Resume]);
    check_event("e=m", &[Heartbeat]);
    check_event("e=pr,pr=0", &[Pause]);
    check_event("e=t,bs", &[BufferingStart, BufferingEnd]);
    check_event("e=t,bs,bsd=(400)", &[Heartbeat]);
    assert_eq!(kinds(Reader::REQUESTS, "bs,ot=v,sid=\"s\""), [BufferingStart, BufferingEnd]);
    assert_eq!(kinds(Reader::REQUESTS, "bs,ot=a,sid=\"s\""), [Heartbeat]);
    assert_eq!(kinds(Reader::REQUESTS, "sid=\"s\",sta=r,v=2"), [Heartbeat]);
}

#[test]
fn readings_keep_their_units() {
    let line = "bl=(2100;v 900;a),bsa=(2;v 1;a),bsd=(400;v 250;v),bsda=(1650),br=(3200;v 128;a),cid=\"c\",dfa=7,e=t,\
                ltc=3100,msd=812,mtp=(48100),pb=(2500;v),pt=125400,sid=\"s\",sn=17,tb=(6000;v),ts=1764000000000,v=2";
    let report = Reader::EVENTS.line(line).unwrap().report;
    let key = report.session_key().unwrap();
    assert_eq!((key.session, key.content), ("s", Some("c")));
    let fact = report.facts(received(Mode::Event)).first.unwrap();
    assert_eq!((fact.at.get(), fact.sequence), (1_764_000_000_000, Some(17)));
    assert_eq!((fact.rate.unwrap().get(), fact.top_rate.unwrap().get()), (2_500, 6_000));
    assert_eq!((fact.throughput.unwrap().get(), fact.buffer.unwrap().get()), (48_100, 2_100));
    assert_eq!((fact.latency.unwrap().get(), fact.startup.unwrap().get()), (3_100, 812));
    assert_eq!((fact.stalled_more.unwrap().get(), fact.stalled.unwrap().get()), (650, 1_650));
    assert_eq!((fact.buffering_events, fact.dropped_frames), (Some(2), Some(7)));
    assert_eq!(fact.position.unwrap().get(), 125_400);
    // A live player whose positions count from 1970 tells no position in a title.
    let report = Reader::EVENTS.line("e=t,pt=1764000000000,sid=\"s\",ts=1,v=2").unwrap().report;
    assert_eq!(report.facts(received(Mode::Event)).first.unwrap().position, None);
}

#[test]
fn sound_and_picture_that_wait_together_are_one_stall() {
    let stalled = |list: &str| {
        let line = format!("bsd={list},e=t,sid=\"s\",ts=1,v=2");
        let report = Reader::EVENTS.line(&line).unwrap().report;
        report.facts(received(Mode::Event)).first.unwrap().stalled_more.unwrap().get()
    };
    assert_eq!(stalled("(2000;v 2000;a)"), 2_000);
    assert_eq!(stalled("(400;v 250;v 600;a)"), 650);
    assert_eq!(stalled("(100 200)"), 300);
}

#[test]
fn a_request_is_a_heartbeat_by_the_nodes_clock_unless_event_reports_come_too() {
    let report = Reader::REQUESTS.line("br=3200,ot=v,sid=\"s\",sn=5,v=2").unwrap().report;
    let fact = report.facts(received(Mode::Request)).first.unwrap();
    assert_eq!((fact.at, fact.sequence, fact.rate.unwrap().get()), (NOW, None, 3_200));
    let twice = Received { has_events: true, ..received(Mode::Request) };
    assert_eq!(report.facts(twice).iter().count(), 0);
    assert!(Reader::REQUESTS.line("br=3200").unwrap().report.session_key().is_none());
}

/// Folds a body of event reports.
fn session_of(body: &str) -> Session {
    let mut session = Session::default();
    for (_, reading) in Reader::EVENTS.body(body.as_bytes()).unwrap() {
        let reading = reading.unwrap();
        assert!(reading.refused().is_none(), "{:?}", reading.findings);
        session.fold(reading.report.facts(received(Mode::Event)).iter().copied().collect()).unwrap();
    }
    session
}

#[test]
fn a_session_of_event_reports_has_its_startup_stalls_and_pauses() {
    let body = "e=ps,sid=\"s\",sn=0,sta=s,ts=1000,v=2\n\
                e=ps,msd=800,sid=\"s\",sn=1,sta=p,ts=1800,v=2\n\
                br=(3000;v),e=t,pt=8000,sid=\"s\",sn=2,sta=p,ts=9800,v=2\n\
                e=ps,sid=\"s\",sn=3,sta=r,ts=11800,v=2\n\
                e=ps,sid=\"s\",sn=4,sta=p,ts=13300,v=2\n\
                e=ps,sid=\"s\",sn=4,sta=p,ts=13300,v=2\n\
                e=ps,sid=\"s\",sn=5,sta=a,ts=20000,v=2\n\
                e=ps,sid=\"s\",sn=6,sta=p,ts=25000,v=2\n\
                e=ps,sid=\"s\",sn=7,sta=e,ts=30000,v=2";
    let session = session_of(body);
    assert_eq!(session.phase(), Phase::Ended);
    let summary = session.summary();
    assert_eq!(summary.startup.unwrap().get(), 800);
    assert_eq!((summary.stalled.get(), summary.stalls), (1_500, 1));
    // 10 s to the stall, 6.7 s to the pause, 5 s to the end.
    assert_eq!(summary.played.get(), 21_700);
}

#[test]
fn the_players_own_measure_of_a_stall_is_not_added_to_the_states() {
    let body = "e=ps,sid=\"s\",sn=0,sta=p,ts=1000,v=2\n\
                e=ps,sid=\"s\",sn=1,sta=r,ts=11000,v=2\n\
                bsd=(1400;v),e=ps,sid=\"s\",sn=2,sta=p,ts=12500,v=2\n\
                e=ps,sid=\"s\",sn=3,sta=q,ts=20000,v=2";
    let summary = session_of(body).summary();
    assert_eq!((summary.stalled.get(), summary.stalls), (1_400, 1));
    assert_eq!(summary.played.get() + summary.stalled.get(), 19_000);
}

quickcheck! {
    fn no_report_breaks_a_session(lines: Vec<(u8, u8, u32)>) -> bool {
        let mut session = Session::default();
        for (event, state, number) in lines {
            let event = wire::cmcd::Event::ALL[usize::from(event) % wire::cmcd::Event::ALL.len()].token();
            let state = wire::cmcd::State::ALL[usize::from(state) % wire::cmcd::State::ALL.len()].token();
            let line = format!("bsd=({number}),e={event},sn={number},sta={state},ts={number},v=2");
            let Ok(reading) = Reader::EVENTS.line(&line) else { return false };
            session.fold(reading.report.facts(received(Mode::Event)).iter().copied().collect()).unwrap();
        }
        Session::restore(&session.save()).as_ref() == Ok(&session)
    }
}
