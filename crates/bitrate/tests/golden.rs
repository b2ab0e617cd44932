//! Decisions against values from elsewhere: the guide's CASE expression and the paper's formula.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bitrate::{
    Ahead, Buffer, Caps, History, Input, Ladder, Policy, Rules, Rung, Running, Sample, SpeedRule, Why, decide,
};
use units::{Kbps, Millis};

const FIVE_RUNGS: [(u16, u32); 5] = [(360, 500), (480, 1_000), (720, 2_500), (1_080, 5_000), (2_160, 15_000)];

fn input(policy: Policy, samples_kbps: &[f64]) -> Input {
    let rungs = FIVE_RUNGS.map(|(height, kbps)| Rung { height, rate: Kbps::new(kbps) });
    // CASE WHEN speed < 5 THEN 480 WHEN speed < 10 THEN 720 WHEN speed < 25 THEN 1080 ELSE 2160 END
    let lines = [(0.0, 480), (5.0, 720), (10.0, 1_080), (25.0, 2_160)];
    let rules = Rules::new(lines.map(|(mbps_min, height)| SpeedRule { mbps_min, height }).to_vec()).unwrap();
    let ladder = Ladder::new(rungs.to_vec()).unwrap();
    let history = History::of_speeds(samples_kbps).unwrap();
    Input { rules, ..Input::new(policy, ladder, history, buffer(20_000, 60_000, 4_000)) }
}

fn buffer(level_ms: u64, max_ms: u64, segment_ms: u64) -> Buffer {
    Buffer::new(Millis::new(level_ms), Millis::new(max_ms), Millis::new(segment_ms)).unwrap()
}

fn check(input: &Input, height: u16, why: Why) {
    let decision = decide(input);
    let chosen = FIVE_RUNGS[decision.rung].0;
    assert_eq!((chosen, decision.why), (height, why), "{input:?}");
}

#[test]
fn seed_rules_follow_the_case_expression() {
    for (kbps, height) in [
        (0.0, 480),
        (4_999.0, 480),
        (5_000.0, 720),
        (9_999.0, 720),
        (10_000.0, 1_080),
        (24_999.0, 1_080),
        (25_000.0, 2_160),
        (1_000_000.0, 2_160),
    ] {
        check(&input(Policy::SeedRules, &[kbps]), height, Why::SpeedRule);
    }
}

#[test]
fn an_unknown_speed_gives_the_lowest_rung() {
    for samples in [&[][..], &[f64::NAN], &[-1.0], &[f64::INFINITY, f64::NEG_INFINITY]] {
        check(&input(Policy::SeedRules, samples), 360, Why::UnknownSpeed);
        check(&input(Policy::Throughput, samples), 360, Why::UnknownSpeed);
        for policy in
            [Policy::Bola, Policy::Bba, Policy::BolaE, Policy::Dynamic, Policy::RobustMpc, Policy::Flagship]
        {
            check(&input(policy, samples), 360, Why::UnknownSpeed);
        }
    }
}

#[test]
fn seed_rules_name_the_line_that_was_applied() {
    assert_eq!(decide(&input(Policy::SeedRules, &[7_000.0])).rule, Some(1));
    assert_eq!(decide(&input(Policy::SeedRules, &[])).rule, None);
    assert_eq!(decide(&input(Policy::Throughput, &[7_000.0])).rule, None);
}

#[test]
fn a_region_without_a_line_for_the_speed_gets_the_lowest_rung() {
    let mut input = input(Policy::SeedRules, &[7_000.0]);
    input.rules = Rules::default();
    check(&input, 360, Why::SpeedRule);
}

#[test]
fn a_height_between_two_rungs_means_the_lower_one() {
    let mut input = input(Policy::SeedRules, &[7_000.0]);
    input.rules = Rules::new(vec![SpeedRule { mbps_min: 0.0, height: 1_000 }]).unwrap();
    check(&input, 720, Why::SpeedRule);
    input.rules = Rules::new(vec![SpeedRule { mbps_min: 0.0, height: 100 }]).unwrap();
    check(&input, 360, Why::SpeedRule);
}

#[test]
fn throughput_leaves_fifteen_percent_of_the_harmonic_mean() {
    for (samples, height) in [
        (&[588.0][..], 360),
        (&[1_176.0], 360),          // 85 % is 999.6 kbit/s.
        (&[1_177.0], 480),          // 85 % is 1,000.45.
        (&[2_000.0, 6_000.0], 720), // Mean 3,000: 85 % is 2,550.
        (&[2_000.0, 5_000.0], 480), // Mean 2,857: 85 % is 2,429.
        (&[20_000.0], 2_160),       // 85 % is 17,000.
        (&[0.0], 360),
    ] {
        check(&input(Policy::Throughput, samples), height, Why::Throughput);
    }
}

#[test]
fn bola_agrees_with_the_reference_script() {
    let mut cases = 0;
    for line in include_str!("bola.txt").lines() {
        let (given, expected) = line.split_once(" | ").unwrap();
        let mut given = given.split(' ');
        let [max_ms, segment_ms] = [given.next(), given.next()].map(|ms| ms.unwrap().parse().unwrap());
        let rates = given.next().unwrap().split(',').map(|kbps| Kbps::new(kbps.parse().unwrap()));
        let mut input = input(Policy::Bola, &[1e9]);
        input.ladder = Ladder::new(rates.map(|rate| Rung { height: 720, rate }).collect()).unwrap();
        for (step, rung) in expected.bytes().enumerate() {
            input.buffer = buffer(250 * step as u64, max_ms, segment_ms);
            assert_eq!(decide(&input).rung, usize::from(rung - b'0'), "{line} at step {step}");
            cases += 1;
        }
    }
    assert!(cases > 3_000, "the file was read: {cases}");
}

#[test]
fn bola_does_not_heed_the_speed_while_the_buffer_is_not_low() {
    let mut input = input(Policy::Bola, &[1.0]);
    input.buffer = buffer(60_000, 60_000, 4_000);
    check(&input, 2_160, Why::BufferLevel);
}

#[test]
fn a_low_buffer_gets_at_most_what_throughput_sustains() {
    let mut input = input(Policy::Bola, &[3_000.0]);
    input.buffer = buffer(6_000, 8_000, 4_000);
    check(&input, 720, Why::BufferLow);
    input.buffer = buffer(8_000, 8_000, 4_000);
    check(&input, 2_160, Why::BufferLevel);
    input.history = History::default();
    check(&input, 360, Why::UnknownSpeed);
}

#[test]
fn a_height_cap_lowers_the_rung_and_says_so() {
    let mut input = input(Policy::SeedRules, &[50_000.0]);
    input.caps.height_max = Some(480);
    check(&input, 480, Why::HeightCap);
    input.caps.height_max = Some(2_160);
    check(&input, 2_160, Why::SpeedRule);
    input.caps.height_max = Some(100);
    check(&input, 360, Why::HeightCap);
    assert_eq!(decide(&input).rule, Some(3), "the line still says where to fetch");
}

#[test]
fn a_cap_of_rate_or_data_holds_for_every_policy() {
    for policy in [Policy::Throughput, Policy::Bola, Policy::Bba, Policy::BolaE, Policy::Dynamic] {
        let mut input = input(policy, &[90_000.0; 5]);
        input.buffer = buffer(60_000, 60_000, 4_000);
        input.caps = Caps { rate_max: Some(Kbps::new(4_999)), ..Caps::default() };
        check(&input, 720, Why::DataCap);
        // Ten chunks of 4 s at 1,000 kbit/s are 5,000,000 bytes.
        input.caps = Caps { bytes_left: Some(5_000_000), ..Caps::default() };
        input.ahead = Ahead::new(&input.ladder, Vec::new(), Some(10)).unwrap();
        check(&input, 480, Why::DataCap);
        input.caps.bytes_left = Some(0);
        check(&input, 360, Why::DataCap);
    }
    for policy in [Policy::RobustMpc, Policy::Flagship] {
        let mut input = input(policy, &[90_000.0; 5]);
        input.caps = Caps { rate_max: Some(Kbps::new(4_999)), ..Caps::default() };
        check(&input, 720, Why::Plan);
    }
}

/// A flagship input in the middle of a title, on a link of `kbps` that never changed.
fn steady(kbps: f64, level_ms: u64, last: usize) -> Input {
    let sample = Sample { kbps, took: Millis::new(3_000), waited: Millis::new(80) };
    let mut input = input(Policy::Flagship, &[]);
    input.history = History::new(vec![sample; 20]).unwrap();
    input.buffer = buffer(level_ms, 60_000, 4_000);
    input.last = Some(last);
    input.ahead = Ahead::new(&input.ladder, Vec::new(), Some(30)).unwrap();
    input
}

#[test]
fn the_flagship_takes_what_a_steady_link_carries() {
    check(&steady(100_000.0, 40_000, 3), 2_160, Why::Plan);
    check(&steady(6_000.0, 40_000, 3), 1_080, Why::Plan);
    check(&steady(1_300.0, 8_000, 1), 480, Why::Plan);
    check(&steady(550.0, 8_000, 0), 360, Why::Plan);
    check(&steady(10.0, 0, 3), 360, Why::Plan);
}

#[test]
fn the_flagship_spends_a_reserve_on_a_calm_link_and_keeps_it_on_another() {
    // Neither link carries more than half of 2,500 kbit/s; 20 s are enough for some chunks of it.
    let mut input = steady(1_300.0, 20_000, 1);
    check(&input, 720, Why::Plan);
    let sample = |kbps: f64| Sample { kbps, took: Millis::new(3_000), waited: Millis::new(80) };
    input.history = History::new([1_150.0, 1_450.0].repeat(10).into_iter().map(sample).collect()).unwrap();
    check(&input, 480, Why::Plan);
}

#[test]
fn the_flagship_spends_the_buffer_before_the_end() {
    let mut input = steady(3_500.0, 20_000, 2);
    check(&input, 720, Why::Plan);
    input.ahead = Ahead::new(&input.ladder, Vec::new(), Some(4)).unwrap();
    check(&input, 1_080, Why::Plan);
}

#[test]
fn the_flagship_sees_a_chunk_that_is_larger_than_its_rate_says() {
    let mut input = steady(2_900.0, 5_000, 2);
    check(&input, 720, Why::Plan);
    // Twice the size for the next chunk.
    let sizes = FIVE_RUNGS.map(|(_, kbps)| kbps * 500 * 2);
    input.ahead = Ahead::new(&input.ladder, sizes.to_vec(), Some(30)).unwrap();
    check(&input, 480, Why::Plan);
}

#[test]
fn a_download_that_will_not_arrive_is_abandoned_and_one_that_will_goes_on() {
    let mut input = steady(6_000.0, 5_000, 3);
    let (took, waited) = (Millis::new(4_000), Millis::new(80));
    // 5,000 kbit/s for 4 s are 2.5 million bytes; at the speed seen the rest takes another 36 s.
    let slow = Running { rung: 3, bytes: 2_500_000, got: 250_000, took, waited };
    input.running = Some(slow);
    let abandoned = decide(&input);
    assert!(abandoned.rung < 3 && abandoned.why == Why::Abandon, "{abandoned:?}");
    input.running = Some(Running { got: 2_300_000, ..slow });
    check(&input, 1_080, Why::GoOn);
    // Other policies have no opinion.
    input.policy = Policy::Bola;
    input.running = Some(slow);
    check(&input, 1_080, Why::GoOn);
    // A rung that the ladder no longer has.
    input.running = Some(Running { rung: 99, ..slow });
    check(&input, 2_160, Why::GoOn);
}

#[test]
fn live_latency_bounds_what_the_flagship_counts_on() {
    // A chunk of 5,000 kbit/s takes 6.7 s: the buffer pays for it, as long as there is one.
    let mut input = steady(3_000.0, 60_000, 3);
    input.ahead = Ahead::new(&input.ladder, Vec::new(), Some(12)).unwrap();
    check(&input, 1_080, Why::Plan);
    input.latency = Some(Millis::new(4_000));
    input.buffer = buffer(4_000, 60_000, 4_000);
    assert!(decide(&input).rung < 3);
}

#[test]
fn behind_live_no_more_can_be_buffered_than_there_is() {
    // The same buffer, in which more may be laid by or not.
    let rung = |kbps: f64, latency: Option<u64>| {
        let mut input = steady(kbps, 4_000, 2);
        input.ahead = Ahead::new(&input.ladder, Vec::new(), Some(40)).unwrap();
        input.buffer = buffer(4_000, 60_000, 4_000);
        input.latency = latency.map(Millis::new);
        decide(&input).rung
    };
    let speeds = || (4..40_u16).map(|step| f64::from(step) * 250.0);
    assert!(speeds().any(|kbps| rung(kbps, Some(4_000)) != rung(kbps, None)), "it plans with it");
    assert!(speeds().all(|kbps| rung(kbps, Some(60_000)) == rung(kbps, None)), "as much as the buffer holds");
}

#[test]
fn bba_and_bola_e_and_dynamic_keep_what_their_papers_promise() {
    let mut input = input(Policy::Bba, &[20_000.0; 5]);
    for (level_ms, height) in [(5_000, 360), (15_000, 2_160)] {
        input.buffer = buffer(level_ms, 60_000, 4_000);
        check(&input, height, Why::BufferLevel);
    }
    // A full buffer over a slow link: BOLA-E does not rise above what throughput sustains.
    input.policy = Policy::BolaE;
    input.history = History::of_speeds(&[3_000.0; 5]).unwrap();
    input.buffer = buffer(60_000, 60_000, 4_000);
    input.last = Some(2);
    check(&input, 720, Why::BufferLevel);
    // At the start the placeholder stands for a buffer.
    input.history = History::of_speeds(&[3_000.0; 2]).unwrap();
    input.buffer = buffer(8_000, 60_000, 4_000);
    check(&input, 720, Why::BufferLevel);
    // Later, half of 2 s must do for the next chunk: 3,000 kbit, and rung 1 has 4,000.
    input.history = History::of_speeds(&[3_000.0; 5]).unwrap();
    input.buffer = buffer(2_000, 60_000, 4_000);
    check(&input, 360, Why::BufferLevel);
    // DYNAMIC trusts throughput there.
    input.policy = Policy::Dynamic;
    check(&input, 720, Why::BufferLevel);
}
