//! Decisions against values from elsewhere: the guide's CASE expression and the paper's formula.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bitrate::{Buffer, Input, Ladder, Policy, Rules, Rung, Speed, SpeedRule, Why, decide};
use units::{Kbps, Millis};

const FIVE_RUNGS: [(u16, u32); 5] = [(360, 500), (480, 1_000), (720, 2_500), (1_080, 5_000), (2_160, 15_000)];

fn input(policy: Policy, samples_kbps: &[f64]) -> Input {
    let rungs = FIVE_RUNGS.map(|(height, kbps)| Rung { height, rate: Kbps::new(kbps) });
    // CASE WHEN speed < 5 THEN 480 WHEN speed < 10 THEN 720 WHEN speed < 25 THEN 1080 ELSE 2160 END
    let lines = [(0.0, 480), (5.0, 720), (10.0, 1_080), (25.0, 2_160)];
    Input {
        policy,
        ladder: Ladder::new(rungs.to_vec()).unwrap(),
        rules: Rules::new(lines.map(|(mbps_min, height)| SpeedRule { mbps_min, height }).to_vec()).unwrap(),
        speed: Speed::estimate(samples_kbps).unwrap(),
        buffer: buffer(20_000, 60_000, 4_000),
        height_max: None,
    }
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
        check(&input(Policy::Bola, samples), 360, Why::UnknownSpeed);
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
    input.speed = Speed::estimate(&[]).unwrap();
    check(&input, 360, Why::UnknownSpeed);
}

#[test]
fn a_height_cap_lowers_the_rung_and_says_so() {
    let mut input = input(Policy::SeedRules, &[50_000.0]);
    input.height_max = Some(480);
    check(&input, 480, Why::HeightCap);
    input.height_max = Some(2_160);
    check(&input, 2_160, Why::SpeedRule);
    input.height_max = Some(100);
    check(&input, 360, Why::HeightCap);
    assert_eq!(decide(&input).rule, Some(3), "the line still says where to fetch");
}
