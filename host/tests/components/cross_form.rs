//! One decision, many forms: a component answers as the native code does, bit for bit.

use golden::{Case, Kind};
use release::{CandidateFile, RulesEntry};
use serde_json::{Value, json};
use session::Session;
use wire::{
    BitrateInput, Codec, EventKind, HomeRequest, PlaybackEvent, Player, Policy, Progress, RankedAnswer,
    RankedPage, RecommendRequest, Refusal, Rung, Running, Sample, Screen, SessionReport, SpeedRule, Utility,
    Weights,
};

use crate::answers;
use crate::shipped::{generation, laid_out, region};

/// As it is sent: equal JSON is equal bits, for floats are written shortest and read exactly.
pub(crate) fn sent<T: serde::Serialize>(message: &T) -> Value {
    serde_json::from_slice(&wire::encode_json(message)).unwrap()
}

fn parse<T: serde::de::DeserializeOwned>(input: &Value) -> Result<T, String> {
    wire::decode_json(input.to_string().as_bytes(), 1 << 20).map_err(|refusal| refusal.code.to_owned())
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn ask(case: &Case) -> Result<Value, String> {
    let code = |error: frontrow_edge::runtime::InvokeError| error.code().to_owned();
    let refused = |refusal: Refusal| refusal.code.to_owned();
    match case.kind {
        Kind::Recommend | Kind::LaidOut => {
            let request: RecommendRequest = parse(&case.input)?;
            request.validate().map_err(refused)?;
            let generation = if case.kind == Kind::LaidOut { laid_out() } else { generation() };
            answers::recommend(generation, request).map(|answer| sent(&answer)).map_err(code)
        }
        Kind::Home => {
            let request: HomeRequest = parse(&case.input)?;
            request.validate().map_err(refused)?;
            answers::home(laid_out(), request).map(|page| sent(&page)).map_err(code)
        }
        Kind::Predict => {
            let pairs = case.input.as_array().unwrap();
            let column = |name: &str| pairs.iter().map(|pair| number(&pair[name])).collect::<Vec<u32>>();
            generation()
                .predict(&column("viewer"), &column("title"))
                .map(|ratings| sent(&ratings))
                .map_err(code)
        }
        Kind::TopRated => {
            let exclude: Vec<u32> = case.input["exclude"].as_array().unwrap().iter().map(number).collect();
            let (viewer, n) = (number(&case.input["viewer"]), number(&case.input["n"]));
            let rated = generation().top_rated(viewer, n, &exclude).map_err(code)?;
            Ok(rated.iter().map(|rated| json!({"title": rated.title, "score": sent(&rated.score)})).collect())
        }
        Kind::Bitrate => {
            let input: BitrateInput = parse(&case.input)?;
            answers::decide(&input).map(|decision| sent(&decision)).map_err(code)
        }
        Kind::Events => {
            let events: Vec<PlaybackEvent> = serde_json::from_value(case.input.clone()).unwrap();
            answers::fold(&[], &events).map(|(_, report)| sent(&report)).map_err(code)
        }
    }
}

#[test]
fn every_golden_case_gets_its_answer_from_the_component() {
    let answer = |case: &Case| ask(case).unwrap_or_else(|code| json!({"refused": code}));
    let differing: Vec<String> = golden::cases()
        .iter()
        .filter(|case| answer(case) != case.expected)
        .map(|case| format!("{}: {}\n  not {}", case.name, answer(case), case.expected))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// SplitMix64: the same questions every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed >> 33) % u64::from(end)) as u32
    }
}

#[test]
fn lists_and_pages_of_any_history_agree_with_the_native_code() {
    let file = CandidateFile::decode(golden::candidates()).unwrap();
    let entry: RulesEntry = serde_json::from_str(golden::rules()).unwrap();
    let rules = entry.rules().unwrap();
    let slate: RulesEntry = serde_json::from_str(golden::slate_rules()).unwrap();
    let slate = slate.rules().unwrap();
    let titles = &file.candidates.columns().title_ids;
    let mut dice = Dice(1);
    for _ in 0..300 {
        // Every tenth title is unknown.
        let title = |dice: &mut Dice| match dice.below(10) {
            0 => u32::MAX - dice.below(5),
            _ => titles[dice.below(titles.len() as u32) as usize],
        };
        let request = RecommendRequest {
            viewer: None,
            history: Some((0..dice.below(60)).map(|_| title(&mut dice)).collect()),
            exclude: (0..dice.below(10)).map(|_| title(&mut dice)).collect(),
            k: 1 + dice.below(100),
            region: Some(region()),
            maturity_max: [0, 6, 12, 16, 18][dice.below(5) as usize],
            at_unix_ms: Some(u64::from(dice.below(u32::MAX)) * 1_000),
            seed: Some(dice.below(u32::MAX)).filter(|seed| seed % 2 == 0),
        };
        for (rules, generation) in [(&rules, generation()), (&slate, laid_out())] {
            let asked = request.clone().into_domain(&[], 0);
            let native = ranking::recommend(&file.candidates, rules, &asked, None);
            let native = RankedAnswer::from(&native.unwrap());
            let answer = answers::recommend(generation, request.clone()).unwrap();
            assert_eq!(sent(&answer), sent(&native), "{request:?}");
            let in_progress = (0..dice.below(4))
                .map(|_| Progress { title: title(&mut dice), share: dice.below(100) as f32 / 99.0 });
            let page = HomeRequest {
                history: request.history.clone(),
                in_progress: in_progress.collect(),
                exclude: request.exclude.clone(),
                k: request.k,
                maturity_max: request.maturity_max,
                at_unix_ms: request.at_unix_ms,
                seed: request.seed,
                ..HomeRequest::default()
            };
            let asked = page.clone().into_domain(&[], 0);
            let native = RankedPage::from(&ranking::home(&file.candidates, rules, &asked, None).unwrap());
            assert_eq!(sent(&answers::home(generation, page.clone()).unwrap()), sent(&native), "{page:?}");
        }
    }
}

fn any_input(dice: &mut Dice) -> BitrateInput {
    let mut kbps = 0;
    let mut rung = |dice: &mut Dice| {
        // Sometimes not rising, so that refusals are compared, too.
        kbps += dice.below(3_000) + u32::from(dice.below(20) > 0);
        Rung {
            id: format!("r{kbps}"),
            height: dice.below(2_160) as u16 + u16::from(dice.below(30) > 0),
            kbps,
        }
    };
    let ladder: Vec<Rung> = (0..dice.below(9)).map(|_| rung(dice)).collect();
    let rungs = ladder.len();
    let mut mbps_min = -0.5;
    let mut rule = |dice: &mut Dice| {
        mbps_min += f64::from(dice.below(2_000)) / 190.0;
        let cdn_endpoint = (dice.below(2) == 0).then(|| "https://cdn.example/".to_owned());
        SpeedRule { mbps_min, height: 100 + dice.below(2_160) as u16, cdn_endpoint }
    };
    let rules = (0..dice.below(6)).map(|_| rule(dice)).collect();
    let sample = |dice: &mut Dice| match dice.below(12) {
        0 => f64::NAN,
        1 => -1.0,
        _ => f64::from(dice.below(40_000_000)) / 997.0,
    };
    BitrateInput {
        policy: POLICIES[dice.below(POLICIES.len() as u32) as usize],
        ladder,
        rules,
        samples_kbps: (0..dice.below(8)).map(|_| sample(dice)).collect(),
        buffer_ms: dice.below(70_000),
        buffer_max_ms: dice.below(120_000),
        segment_ms: dice.below(12_000),
        height_max: (dice.below(3) == 0).then(|| dice.below(2_200) as u16),
        player: (dice.below(4) > 0).then(|| any_player(dice, rungs)),
    }
}

const POLICIES: [Policy; 8] = [
    Policy::SeedRules,
    Policy::Throughput,
    Policy::Bola,
    Policy::Bba,
    Policy::BolaE,
    Policy::Dynamic,
    Policy::RobustMpc,
    Policy::Flagship,
];

fn any_player(dice: &mut Dice, rungs: usize) -> Player {
    let sample = |dice: &mut Dice| Sample {
        kbps: f64::from(dice.below(40_000_000)) / 997.0,
        took_ms: dice.below(9_000),
        waited_ms: dice.below(300),
    };
    // Mostly whole chunks of bytes, so that refusals are compared, too.
    let sizes = rungs * dice.below(9) as usize + usize::from(dice.below(30) == 0);
    let weight = |dice: &mut Dice| f64::from(dice.below(900)) / 100.0 - f64::from(dice.below(30) / 29);
    Player {
        samples: (0..dice.below(9)).map(|_| sample(dice)).collect(),
        last_rung: (dice.below(4) > 0).then(|| dice.below(10)),
        chunk_bytes: (0..sizes).map(|_| dice.below(4_000_000) + u32::from(dice.below(50) > 0)).collect(),
        chunks_left: (dice.below(3) > 0).then(|| dice.below(60)),
        latency_ms: (dice.below(5) == 0).then(|| dice.below(20_000)),
        kbps_max: (dice.below(5) == 0).then(|| dice.below(20_000)),
        bytes_left: (dice.below(5) == 0).then(|| u64::from(dice.below(400_000_000))),
        running: (dice.below(4) == 0).then(|| Running {
            rung: dice.below(9),
            bytes: dice.below(5_000_000),
            got: dice.below(5_000_000),
            took_ms: dice.below(9_000),
            waited_ms: dice.below(300),
        }),
        weights: (dice.below(4) == 0).then(|| Weights {
            utility: if dice.below(2) == 0 { Utility::Mbps } else { Utility::Log },
            stall: weight(dice),
            change: weight(dice),
        }),
    }
}

#[test]
fn decisions_and_refusals_of_any_input_agree_with_the_native_code_one_by_one_and_in_a_batch() {
    let mut dice = Dice(2);
    let inputs: Vec<BitrateInput> = (0..2_000).map(|_| any_input(&mut dice)).collect();
    let native = |input: &BitrateInput| input.decide().map_err(|refusal| refusal.code);
    let mut decided = 0;
    for input in &inputs {
        let component = answers::decide(input).map_err(|error| error.code());
        assert_eq!(component, native(input), "{input:?}");
        decided += u32::from(component.is_ok());
    }
    assert!((200..1_800).contains(&decided), "{decided} of 2,000 decided");
    let asked: Vec<_> = inputs.iter().map(answers::input).collect();
    for (input, result) in inputs.iter().zip(generation().decide_batch(&asked).unwrap()) {
        let refused = result.is_err();
        assert_eq!(refused, native(input).is_err(), "{input:?}");
        if let Ok(decision) = result {
            assert_eq!(Ok(answers::decided(input, decision)), native(input));
        }
    }
}

#[test]
fn packed_questions_have_the_answers_of_the_native_code_byte_for_byte() {
    let mut dice = Dice(5);
    let inputs = (0..2_000).filter_map(|_| any_input(&mut dice).to_domain().ok()).collect::<Vec<_>>();
    assert!(inputs.len() > 200, "{} can be asked", inputs.len());
    let questions = bitrate::packed::pack_questions(&inputs);
    let native = bitrate::packed::decide_packed(&questions).unwrap();
    assert_eq!(generation().decide_packed(&questions).unwrap(), native);
    let cut = generation().decide_packed(&questions[..questions.len() - 1]).unwrap_err();
    assert_eq!((cut.code(), cut.is_refusal()), ("packed-cut", true));
}

#[test]
fn sessions_of_any_events_agree_with_the_native_code_whatever_the_batches() {
    let mut dice = Dice(3);
    for _ in 0..100 {
        let mut at_unix_ms = 1_700_000_000_000;
        let mut state = Vec::new();
        let mut native = Session::default();
        for _ in 0..1 + dice.below(6) {
            let mut event = || {
                at_unix_ms += u64::from(dice.below(8_000));
                let kind = EventKind::ALL[dice.below(16) as usize];
                let mut some = |end| (dice.below(2) == 0).then(|| dice.below(end));
                PlaybackEvent {
                    sequence: some(100),
                    position_ms: some(5_000_000).map(u64::from),
                    duration_ms: some(9_000_000).map(u64::from),
                    kbps: some(20_000),
                    top_kbps: some(20_000),
                    throughput_kbps: some(50_000),
                    buffer_ms: some(60_000),
                    latency_ms: some(20_000),
                    startup_ms: some(9_000),
                    stalled_ms: some(20).and_then(|_| some(30_000)),
                    stalled_more_ms: some(500),
                    buffering_events: some(20),
                    dropped_frames: some(3_000),
                    width: some(4_096).map(|width| width as u16),
                    height: some(2_161).map(|height| height as u16),
                    frame_rate_milli: some(60_001),
                    codec: some(3).map(|codec| [Codec::Avc, Codec::Av1, Codec::Other][codec as usize]),
                    screen: some(3)
                        .map(|screen| [Screen::Phone, Screen::Tablet, Screen::Tv][screen as usize]),
                    ..PlaybackEvent::new(kind, at_unix_ms)
                }
            };
            let events: Vec<PlaybackEvent> = (0..12).map(|_| event()).collect();
            native.fold(events.iter().map(|event| (*event).into()).collect()).unwrap();
            let (folded, report) = answers::fold(&state, &events).unwrap();
            assert_eq!(sent(&report), sent(&SessionReport::from(&native)));
            assert_eq!(folded, native.save());
            state = folded;
        }
    }
}

#[test]
fn a_state_that_no_component_wrote_is_refused() {
    assert_eq!(answers::fold(b"not a state", &[]).unwrap_err().code(), "state-malformed");
    let heartbeat = PlaybackEvent::new(EventKind::Heartbeat, 1);
    assert_eq!(answers::fold(&[], &[heartbeat; 4_097]).unwrap_err().code(), "too-many-events");
}
