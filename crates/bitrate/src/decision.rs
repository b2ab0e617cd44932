//! The decision: a policy, its guards, and what decided.

use alloc::vec;
use alloc::vec::Vec;

use units::Millis;

use crate::bola::LogUtilities;
use crate::caps::Cap;
use crate::{
    Ahead, Buffer, Caps, History, Ladder, Rules, Rung, Running, Settings, Utility, Weights, bba, bola,
    bola_e, mpc, plan, real, running,
};

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
    /// A line from the lowest rung at a nearly empty buffer to the highest at a filled one.
    Bba,
    /// BOLA with a placeholder at the start, no jump above what throughput sustains, and a rung that an
    /// insufficient buffer can hold.
    BolaE,
    /// The throughput rule while the buffer is low, BOLA-E otherwise.
    Dynamic,
    /// The best five rungs under the harmonic mean, lowered by the greatest recent error.
    RobustMpc,
    /// The best expectation over the paths that throughput may take, to the end of the title or the
    /// horizon.
    Flagship,
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
    /// The downloads that were measured.
    pub history: History,
    /// The media in reserve.
    pub buffer: Buffer,
    /// Rung of the chunk before; none before the first. One above the ladder counts as the highest.
    pub last: Option<usize>,
    /// What is still to be fetched; read by the planning policies.
    pub ahead: Ahead,
    /// What device, plan and data allowance permit.
    pub caps: Caps,
    /// What the planning policies make the most of.
    pub weights: Weights,
    /// Live: how far behind the newest moment the picture is, which is all that can be buffered. Read by
    /// the flagship.
    pub latency: Option<Millis>,
    /// The download of the next chunk, when it has begun.
    pub running: Option<Running>,
}

impl Input {
    /// An input with nothing but what every policy needs.
    pub fn new(policy: Policy, ladder: Ladder, history: History, buffer: Buffer) -> Self {
        Self {
            policy,
            ladder,
            rules: Rules::default(),
            history,
            buffer,
            last: None,
            ahead: Ahead::UNKNOWN,
            caps: Caps::default(),
            weights: Weights::LINEAR,
            latency: None,
            running: None,
        }
    }

    /// The rung a change is counted from: the lowest before the first chunk.
    pub(crate) fn last_rung(&self) -> usize {
        self.last.map_or(0, |last| last.min(self.ladder.rungs().len() - 1))
    }

    /// What each rung is worth.
    pub(crate) fn utilities(&self) -> Vec<f64> {
        let rungs = self.ladder.rungs();
        let lowest = f64::from(rungs[0].rate.get());
        let utility = |rung: &Rung| match self.weights.utility() {
            Utility::Mbps => f64::from(rung.rate.get()) / 1e3,
            Utility::Log => real::ln(f64::from(rung.rate.get()) / lowest),
        };
        rungs.iter().map(utility).collect()
    }

    /// The rungs that no cap forbids, rising; the lowest when all are forbidden.
    fn permitted(&self) -> Vec<usize> {
        let chunk_s = self.buffer.segment_s();
        let is_free = |rung: &usize| self.caps.broken_by(&self.ladder, &self.ahead, chunk_s, *rung).is_none();
        let permitted: Vec<usize> = (0..self.ladder.rungs().len()).filter(is_free).collect();
        if permitted.is_empty() { vec![0] } else { permitted }
    }
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
    /// The cap of rate or data.
    DataCap,
    /// The best plan over the chunks ahead.
    Plan,
    /// The download under way is worth finishing.
    GoOn,
    /// The download under way is better given up for a lower rung.
    Abandon,
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
///
/// While a download is under way ([`Input::running`]), the flagship says whether to go on (its rung) or to
/// abandon it for a lower one; every other policy goes on.
pub fn decide(input: &Input) -> Decision {
    decide_with(input, &Settings::SHIPPED)
}

/// The same with other settings of the flagship.
pub fn decide_with(input: &Input, settings: &Settings) -> Decision {
    decide_knowing(input, settings, &mut LogUtilities::default())
}

/// The same with what may be known of the ladder.
pub(crate) fn decide_knowing(input: &Input, settings: &Settings, utilities: &mut LogUtilities) -> Decision {
    if let Some(running) = &input.running {
        return under_way(input, running, settings);
    }
    let speed = input.history.speed();
    let wanted = match (speed.mbps(), speed.sustains(&input.ladder)) {
        (Some(mbps), Some(sustained)) => by_policy(input, settings, utilities, mbps, sustained),
        _ => lowest(Why::UnknownSpeed),
    };
    capped(wanted, input)
}

fn by_policy(
    input: &Input,
    settings: &Settings,
    utilities: &mut LogUtilities,
    mbps: f64,
    sustained: usize,
) -> Decision {
    let ladder = &input.ladder;
    let because = |rung: usize, why: Why| Decision { rung, why, rule: None };
    match input.policy {
        Policy::SeedRules => by_rules(input, mbps),
        Policy::Throughput => {
            let cautious = input.history.cautious_speed().sustains(ladder);
            because(cautious.unwrap_or(sustained), Why::Throughput)
        }
        Policy::Bola => by_buffer(input, utilities.of(ladder), sustained),
        Policy::Bba => because(bba::rung(ladder, &input.buffer, input.last_rung()), Why::BufferLevel),
        Policy::BolaE => because(bola_e::enhanced(input, utilities.of(ladder), sustained), Why::BufferLevel),
        Policy::Dynamic => because(bola_e::dynamic(input, utilities.of(ladder), sustained), Why::BufferLevel),
        Policy::RobustMpc => because(mpc::rung(input, &input.permitted()), Why::Plan),
        Policy::Flagship => match plan::rung(input, &input.permitted(), settings) {
            Some(rung) => because(rung, Why::Plan),
            // The bounds keep every number finite; should one not be, a known rule decides.
            None => because(sustained, Why::Throughput),
        },
    }
}

fn under_way(input: &Input, running: &Running, settings: &Settings) -> Decision {
    let own = running.rung.min(input.ladder.rungs().len() - 1);
    let planned = match input.policy {
        Policy::Flagship => running::rung(input, running, &input.permitted(), settings),
        _ => None,
    };
    match planned {
        Some(rung) if rung < own => Decision { rung, why: Why::Abandon, rule: None },
        _ => Decision { rung: own, why: Why::GoOn, rule: None },
    }
}

fn by_rules(input: &Input, mbps: f64) -> Decision {
    let Some(rule) = input.rules.at(mbps) else { return lowest(Why::SpeedRule) };
    let rung = input.ladder.of_height(input.rules.lines()[rule].height);
    Decision { rung, why: Why::SpeedRule, rule: Some(rule) }
}

fn by_buffer(input: &Input, utilities: &[f64], sustained: usize) -> Decision {
    let rung = bola::rung(&input.ladder, utilities, &input.buffer);
    if !input.buffer.is_low() {
        return Decision { rung, why: Why::BufferLevel, rule: None };
    }
    // BOLA trusts the level alone; where a buffer holds only a few segments (live), one segment is
    // already half of it and would ask for more than the network brings before it is played.
    Decision { rung: rung.min(sustained), why: Why::BufferLow, rule: None }
}

/// Lowers the rung to the highest at or below it that no cap forbids.
fn capped(wanted: Decision, input: &Input) -> Decision {
    let chunk_s = input.buffer.segment_s();
    let cap = |rung: usize| input.caps.broken_by(&input.ladder, &input.ahead, chunk_s, rung);
    let Some(broken) = cap(wanted.rung) else { return wanted };
    let rung = (0..wanted.rung).rev().find(|rung| cap(*rung).is_none()).unwrap_or(0);
    if rung == wanted.rung {
        return wanted;
    }
    let why = match broken {
        Cap::Height => Why::HeightCap,
        Cap::Data => Why::DataCap,
    };
    Decision { rung, why, ..wanted }
}

fn lowest(why: Why) -> Decision {
    Decision { rung: 0, why, rule: None }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use quickcheck::{Arbitrary, Gen, quickcheck};
    use units::{Kbps, Millis};

    use super::{Input, Policy, Why, decide};
    use crate::{
        Ahead, Buffer, Caps, History, Ladder, Rules, Running, Sample, SpeedRule, Utility, Weights, limits,
    };

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

    impl Arbitrary for Sample {
        fn arbitrary(g: &mut Gen) -> Self {
            let kbps = if bool::arbitrary(g) { f64::arbitrary(g) } else { f64::from(u16::arbitrary(g)) };
            let [took, waited] = [(); 2].map(|()| Millis::new(u64::from(u16::arbitrary(g))));
            Self { kbps, took, waited }
        }
    }

    fn weights(g: &mut Gen) -> Weights {
        let utility = *g.choose(&[Utility::Mbps, Utility::Log]).unwrap();
        let mut weight = || f64::from(u16::arbitrary(g) % 1_001);
        Weights::new(utility, weight(), weight()).unwrap()
    }

    fn ahead(g: &mut Gen, ladder: &Ladder) -> Ahead {
        let rungs = ladder.rungs().len();
        let chunks = usize::arbitrary(g) % (limits::CHUNKS_AHEAD_MAX + 1);
        let bytes = (0..chunks * rungs).map(|_| u32::arbitrary(g).max(1)).collect();
        Ahead::new(ladder, bytes, Option::arbitrary(g)).unwrap()
    }

    fn running(g: &mut Gen) -> Running {
        let [took, waited] = [(); 2].map(|()| Millis::new(u64::from(u16::arbitrary(g))));
        let rung = usize::arbitrary(g) % 80;
        Running { rung, bytes: u32::arbitrary(g), got: u32::arbitrary(g), took, waited }
    }

    impl Arbitrary for Input {
        fn arbitrary(g: &mut Gen) -> Self {
            let mut speeds = Vec::<u16>::arbitrary(g);
            speeds.sort_unstable();
            speeds.dedup();
            speeds.truncate(limits::RULES_MAX);
            // A table gives a faster network no smaller picture; only then is its policy monotone.
            let line = |speed: u16| SpeedRule { mbps_min: f64::from(speed % 100), height: speed % 2_500 };
            let mut lines: Vec<_> = speeds.into_iter().map(line).collect();
            lines.sort_by_key(|line| line.height);
            (0_u16..).zip(&mut lines).for_each(|(index, line)| line.mbps_min = f64::from(index * 5));
            let mut samples = Vec::<Sample>::arbitrary(g);
            samples.truncate(limits::SAMPLES_MAX);
            let segment = Millis::new(u64::from(u16::arbitrary(g)) + 1);
            let max = segment.saturating_add(Millis::new(u64::from(u16::arbitrary(g))));
            let ladder = Ladder::arbitrary(g);
            Self {
                policy: *g.choose(&POLICIES).unwrap(),
                rules: Rules::new(lines).unwrap(),
                history: History::new(samples).unwrap(),
                buffer: Buffer::new(Millis::new(u64::arbitrary(g) % 200_000), max, segment).unwrap(),
                last: Option::<u8>::arbitrary(g).map(usize::from),
                // Sizes of another ladder are possible, and then not read.
                ahead: if u8::arbitrary(g) % 8 == 0 {
                    ahead(g, &Ladder::arbitrary(&mut Gen::new(4)))
                } else {
                    ahead(g, &ladder)
                },
                caps: Caps {
                    height_max: Option::arbitrary(g),
                    rate_max: Option::<u16>::arbitrary(g).map(|kbps| Kbps::new(u32::from(kbps))),
                    bytes_left: Option::<u32>::arbitrary(g).map(u64::from),
                },
                weights: weights(g),
                latency: Option::<u16>::arbitrary(g).map(|ms| Millis::new(u64::from(ms))),
                running: None,
                ladder,
            }
        }
    }

    /// The policies that answer a change of their input with a change in the same direction. A plan need
    /// not: a faster link may make it worth waiting for a rung above.
    fn is_monotone(policy: Policy) -> bool {
        matches!(policy, Policy::SeedRules | Policy::Throughput | Policy::Bola | Policy::Bba)
    }

    fn at_speed(input: &Input, kbps: u32) -> usize {
        decide(&Input { history: History::of_speeds(&[f64::from(kbps)]).unwrap(), ..input.clone() }).rung
    }

    quickcheck! {
        fn the_rung_is_always_in_the_ladder(input: Input) -> bool {
            decide(&input).rung < input.ladder.rungs().len()
        }

        fn more_speed_never_lowers_the_rung(input: Input, slow: u32, more: u32) -> bool {
            let slow = slow % 200_000;
            let fast = slow + more % 200_000;
            !is_monotone(input.policy) || at_speed(&input, slow) <= at_speed(&input, fast)
        }

        fn more_buffer_never_lowers_the_rung(input: Input, more: u16) -> bool {
            let buffer = input.buffer;
            let fuller = buffer.level().saturating_add(Millis::new(u64::from(more)));
            let fuller = Buffer::new(fuller, buffer.max(), buffer.segment()).unwrap();
            !is_monotone(input.policy) || decide(&input).rung <= decide(&Input { buffer: fuller, ..input.clone() }).rung
        }

        fn caps_are_kept_unless_every_lower_rung_breaks_them(input: Input) -> bool {
            let rung = decide(&input).rung;
            let chunk_s = input.buffer.segment_s();
            rung == 0 || input.caps.broken_by(&input.ladder, &input.ahead, chunk_s, rung).is_none()
        }

        fn a_cap_never_raises_the_rung_of_a_rule(input: Input) -> bool {
            let free = Input { caps: Caps::default(), ..input.clone() };
            matches!(input.policy, Policy::RobustMpc | Policy::Flagship) || decide(&input).rung <= decide(&free).rung
        }

        fn the_same_input_gives_the_same_decision(input: Input) -> bool {
            decide(&input) == decide(&input.clone())
        }

        fn a_plan_can_always_be_made_once_something_was_measured(input: Input) -> bool {
            let input = Input { policy: Policy::Flagship, ..input };
            let why = decide(&input).why;
            if input.history.samples().is_empty() { why == Why::UnknownSpeed } else { why == Why::Plan }
        }
    }

    #[test]
    fn a_download_under_way_goes_on_or_ends_lower_whatever_it_says() {
        let mut g = Gen::new(30);
        for _ in 0..3_000 {
            let input = Input { running: Some(running(&mut g)), ..Input::arbitrary(&mut g) };
            let own = input.running.unwrap().rung.min(input.ladder.rungs().len() - 1);
            let decision = decide(&input);
            match decision.why {
                Why::GoOn => assert_eq!(decision.rung, own),
                Why::Abandon => assert!(decision.rung < own && input.policy == Policy::Flagship),
                why => panic!("{why:?}"),
            }
        }
    }
}
