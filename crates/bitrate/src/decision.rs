//! The decision: a policy, its guards, and what decided.

use crate::{Buffer, Ladder, Rules, Speed, bola};

/// How the rung is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The line of [`Input::rules`] with the greatest speed not above the measured one names a picture
    /// height; its rung is the highest that is not taller. Kept pure: no buffer, no hysteresis.
    SeedRules,
    /// The highest rung that [`THROUGHPUT_SHARE`](crate::THROUGHPUT_SHARE) of the speed sustains.
    Throughput,
    /// BOLA-BASIC, with the throughput rule as a ceiling while the buffer is low
    /// ([`Buffer::is_low`]).
    Bola,
}

/// What a decision depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// How the rung is chosen.
    pub policy: Policy,
    /// The renditions.
    pub ladder: Ladder,
    /// The region's table; read by [`Policy::SeedRules`] only.
    pub rules: Rules,
    /// The measured throughput.
    pub speed: Speed,
    /// The media in reserve; read by [`Policy::Bola`] only.
    pub buffer: Buffer,
    /// Highest picture height in pixels that the device or the plan allows.
    pub height_max: Option<u16>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The speed is unknown, so the lowest rung.
    UnknownSpeed,
    /// The region's table; also when it has no line for so low a speed, and so the lowest rung.
    SpeedRule,
    /// The measured throughput.
    Throughput,
    /// The buffer level.
    BufferLevel,
    /// The buffer is low, so at most what throughput sustains.
    BufferLow,
    /// The height cap of device or plan.
    HeightCap,
}

/// The rung to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Index into the ladder; always within it.
    pub rung: usize,
    /// What decided.
    pub why: Why,
    /// Index of the line of the region's table that was applied; it also says where to fetch.
    pub rule: Option<usize>,
}

/// Chooses the rung to fetch next; the lowest while the speed is unknown, whatever the policy.
pub fn decide(input: &Input) -> Decision {
    let wanted = match (input.speed.mbps(), input.speed.sustains(&input.ladder)) {
        (Some(mbps), Some(sustained)) => match input.policy {
            Policy::SeedRules => by_rules(input, mbps),
            Policy::Throughput => Decision { rung: sustained, why: Why::Throughput, rule: None },
            Policy::Bola => by_buffer(input, sustained),
        },
        _ => lowest(Why::UnknownSpeed),
    };
    capped(wanted, input)
}

fn by_rules(input: &Input, mbps: f64) -> Decision {
    let Some(rule) = input.rules.at(mbps) else { return lowest(Why::SpeedRule) };
    let rung = input.ladder.of_height(input.rules.lines()[rule].height);
    Decision { rung, why: Why::SpeedRule, rule: Some(rule) }
}

fn by_buffer(input: &Input, sustained: usize) -> Decision {
    let rung = bola::rung(&input.ladder, &input.buffer);
    if !input.buffer.is_low() {
        return Decision { rung, why: Why::BufferLevel, rule: None };
    }
    // BOLA trusts the level alone; where a buffer holds only a few segments (live), one segment is
    // already half of it and would ask for more than the network brings before it is played.
    Decision { rung: rung.min(sustained), why: Why::BufferLow, rule: None }
}

fn capped(wanted: Decision, input: &Input) -> Decision {
    let Some(height_max) = input.height_max else { return wanted };
    let rung = input.ladder.not_taller(wanted.rung, height_max);
    if rung == wanted.rung { wanted } else { Decision { rung, why: Why::HeightCap, ..wanted } }
}

fn lowest(why: Why) -> Decision {
    Decision { rung: 0, why, rule: None }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use quickcheck::{Arbitrary, Gen, quickcheck};
    use units::Millis;

    use super::{Input, Policy, decide};
    use crate::{Buffer, Ladder, Rules, Speed, SpeedRule, limits};

    impl Arbitrary for Input {
        fn arbitrary(g: &mut Gen) -> Self {
            let policies = [Policy::SeedRules, Policy::Throughput, Policy::Bola];
            let mut speeds = Vec::<u16>::arbitrary(g);
            speeds.sort_unstable();
            speeds.dedup();
            speeds.truncate(limits::RULES_MAX);
            // A table gives a faster network no smaller picture; only then is its policy monotone.
            let line = |speed: u16| SpeedRule { mbps_min: f64::from(speed % 100), height: speed % 2_500 };
            let mut lines: Vec<_> = speeds.into_iter().map(line).collect();
            lines.sort_by_key(|line| line.height);
            (0_u16..).zip(&mut lines).for_each(|(index, line)| line.mbps_min = f64::from(index * 5));
            let samples = Vec::<f64>::arbitrary(g);
            let segment = Millis::new(u64::from(u16::arbitrary(g)) + 1);
            let max = segment.saturating_add(Millis::new(u64::from(u16::arbitrary(g))));
            Self {
                policy: *g.choose(&policies).unwrap(),
                ladder: Ladder::arbitrary(g),
                rules: Rules::new(lines).unwrap(),
                speed: Speed::estimate(&samples[..samples.len().min(limits::SAMPLES_MAX)]).unwrap(),
                buffer: Buffer::new(Millis::new(u64::arbitrary(g) % 200_000), max, segment).unwrap(),
                height_max: Option::arbitrary(g),
            }
        }
    }

    fn at_speed(input: &Input, kbps: u32) -> usize {
        decide(&Input { speed: Speed::estimate(&[f64::from(kbps)]).unwrap(), ..input.clone() }).rung
    }

    quickcheck! {
        fn the_rung_is_always_in_the_ladder(input: Input) -> bool {
            decide(&input).rung < input.ladder.rungs().len()
        }

        fn more_speed_never_lowers_the_rung(input: Input, slow: u32, more: u32) -> bool {
            let slow = slow % 200_000;
            let fast = slow + more % 200_000;
            at_speed(&input, slow) <= at_speed(&input, fast)
        }

        fn more_buffer_never_lowers_the_rung(input: Input, more: u16) -> bool {
            let buffer = input.buffer;
            let fuller = buffer.level().saturating_add(Millis::new(u64::from(more)));
            let fuller = Buffer::new(fuller, buffer.max(), buffer.segment()).unwrap();
            decide(&input).rung <= decide(&Input { buffer: fuller, ..input.clone() }).rung
        }

        fn a_height_cap_is_kept_unless_every_lower_rung_breaks_it(input: Input) -> bool {
            let rung = decide(&input).rung;
            let height = input.ladder.rungs()[rung].height;
            rung == 0 || input.height_max.is_none_or(|height_max| height <= height_max)
        }

        fn a_cap_never_raises_the_rung(input: Input) -> bool {
            decide(&input).rung <= decide(&Input { height_max: None, ..input.clone() }).rung
        }

        fn the_same_input_gives_the_same_decision(input: Input) -> bool {
            decide(&input) == decide(&input.clone())
        }
    }
}
