//! Questions.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | length of what follows; 32 bits |
//! | 4 | policy, in the order of [`Policy`]; 8 bits |
//! | 5 | rungs, or 0: ladder and rules are those of the question before; 8 bits |
//! | 6 | bits: last rung, chunks left, latency, height cap, rate cap, bytes left, weights, running; 16 bits |
//! | 8 | lines of the table, samples, chunks of known size; 16 bits each |
//! | 14 | height cap; 16 bits |
//! | 16 | buffer, its maximum, a segment, in milliseconds; 32 bits each |
//! | 28 | last rung, chunks left, latency in milliseconds, rate cap in kbit/s; 32 bits each |
//! | 44 | bytes left; 64 bits |
//! | 52 | rungs: kbit/s (32 bits), height (16) |
//! | | lines: Mbit/s (a float of 64 bits), height (16) |
//! | | samples: kbit/s (a float of 64 bits), took and waited in milliseconds (32 each) |
//! | | sizes in bytes, all rungs of a chunk together; 32 bits each |
//! | | weights, if there are: 0 for Mbit/s and 1 for logarithms (8 bits), stall, change (floats of 64 bits) |
//! | | the download under way, if there is: rung, bytes, got, took, waited; 32 bits each |
//!
//! A number whose bit is not set is not read.

use alloc::vec::Vec;

use units::{Kbps, Millis};

use super::{Reader, Refusal, VERSION};
use crate::bola::LogUtilities;
use crate::decision::decide_knowing;
use crate::{
    Buffer, Caps, Decision, History, Input, InputError, Ladder, Policy, Rules, Rung, Running, SAMPLES_USED,
    Sample, Settings, SpeedRule, Utility, Weights, bola_e,
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

const LAST: u16 = 1;
const LEFT: u16 = 1 << 1;
const LATENCY: u16 = 1 << 2;
const HEIGHT_MAX: u16 = 1 << 3;
const RATE_MAX: u16 = 1 << 4;
const BYTES_LEFT: u16 = 1 << 5;
const WEIGHTS: u16 = 1 << 6;
const RUNNING: u16 = 1 << 7;

/// Packs questions in order. Times and rungs beyond 32 bits are written as the greatest that fit, and sizes
/// of another ladder, which nobody reads, are left out.
pub fn pack_questions(inputs: &[Input]) -> Vec<u8> {
    let mut out = Vec::from(VERSION.to_le_bytes());
    let mut before: Option<&Input> = None;
    for input in inputs {
        let shared =
            before.is_some_and(|before| before.ladder == input.ladder && before.rules == input.rules);
        let at = out.len();
        put(&mut out, &[[0; 4]]);
        pack(input, shared, &mut out);
        let bytes = (out.len() - at - 4) as u32;
        out[at..at + 4].copy_from_slice(&bytes.to_le_bytes());
        before = Some(input);
    }
    out
}

fn pack(input: &Input, shared: bool, out: &mut Vec<u8>) {
    let Input { ladder, rules, history, buffer, ahead, caps, weights, running, .. } = input;
    let ms = |ms: Millis| u32::try_from(ms.get()).unwrap_or(u32::MAX);
    let flag = |bit: u16, is_there: bool| if is_there { bit } else { 0 };
    let policy =
        POLICIES.iter().position(|policy| *policy == input.policy).expect("POLICIES holds every one");
    let rungs = if shared { &[][..] } else { ladder.rungs() };
    let lines = if shared { &[][..] } else { rules.lines() };
    let sizes = ahead.known(ladder);
    let bits = flag(LAST, input.last.is_some())
        | flag(LEFT, ahead.left().is_some())
        | flag(LATENCY, input.latency.is_some())
        | flag(HEIGHT_MAX, caps.height_max.is_some())
        | flag(RATE_MAX, caps.rate_max.is_some())
        | flag(BYTES_LEFT, caps.bytes_left.is_some())
        | flag(WEIGHTS, *weights != Weights::LINEAR)
        | flag(RUNNING, running.is_some());
    out.extend_from_slice(&[policy as u8, rungs.len() as u8]);
    let counts = [lines.len(), history.samples().len(), sizes.len() / ladder.rungs().len()];
    put(out, &[bits].map(u16::to_le_bytes));
    put(out, &counts.map(|count| (count as u16).to_le_bytes()));
    put(out, &[caps.height_max.unwrap_or_default()].map(u16::to_le_bytes));
    let rung = |rung: usize| u32::try_from(rung).unwrap_or(u32::MAX);
    let numbers = [
        ms(buffer.level()),
        ms(buffer.max()),
        ms(buffer.segment()),
        input.last.map_or(0, rung),
        ahead.left().unwrap_or_default(),
        input.latency.map_or(0, ms),
        caps.rate_max.map_or(0, Kbps::get),
    ];
    put(out, &numbers.map(u32::to_le_bytes));
    put(out, &[caps.bytes_left.unwrap_or_default()].map(u64::to_le_bytes));
    for rung in rungs {
        put(out, &[rung.rate.get().to_le_bytes()]);
        put(out, &[rung.height.to_le_bytes()]);
    }
    for line in lines {
        put(out, &[line.mbps_min.to_le_bytes()]);
        put(out, &[line.height.to_le_bytes()]);
    }
    for sample in history.samples() {
        put(out, &[sample.kbps.to_le_bytes()]);
        put(out, &[ms(sample.took), ms(sample.waited)].map(u32::to_le_bytes));
    }
    sizes.iter().for_each(|bytes| put(out, &[bytes.to_le_bytes()]));
    if bits & WEIGHTS != 0 {
        out.push(u8::from(weights.utility() == Utility::Log));
        put(out, &[weights.stall(), weights.change()].map(f64::to_le_bytes));
    }
    if let Some(running) = running {
        let Running { bytes, got, took, waited, .. } = *running;
        put(out, &[rung(running.rung), bytes, got, ms(took), ms(waited)].map(u32::to_le_bytes));
    }
}

fn put<const COUNT: usize>(out: &mut Vec<u8>, numbers: &[[u8; COUNT]]) {
    numbers.iter().for_each(|number| out.extend_from_slice(number));
}

/// Reads questions one after the other, each into the place of the one before: ladder, rules and what follows from
/// them stay, and so does the memory.
#[derive(Default)]
pub(super) struct Questions {
    input: Option<Input>,
    utilities: LogUtilities,
    /// Why ladder or rules were refused.
    refused: Option<Refusal>,
}

impl Questions {
    /// Reads a record and decides.
    pub(super) fn decide(&mut self, record: &[u8]) -> Result<Decision, Refusal> {
        self.read(record)?;
        let input = self.input.as_ref().ok_or(Refusal::Record)?;
        Ok(decide_knowing(input, &Settings::SHIPPED, &mut self.utilities))
    }

    fn read(&mut self, record: &[u8]) -> Result<(), Refusal> {
        let mut reader = Reader::new(record);
        let Some(head) = Head::read(&mut reader) else {
            // Where it may have named a ladder, those who share it must not be given an older one.
            if record.get(RUNGS_AT).is_none_or(|rungs| *rungs > 0) {
                (self.input, self.refused) = (None, Some(Refusal::Record));
            }
            return Err(Refusal::Record);
        };
        if head.rungs > 0 {
            self.utilities = LogUtilities::default();
            match shared(&mut reader, &head) {
                Ok((ladder, rules)) => {
                    let input = Input::new(head.policy, ladder, History::default(), Buffer::EMPTY);
                    self.input = Some(Input { rules, ..input });
                }
                Err(refusal) => (self.input, self.refused) = (None, Some(refusal)),
            }
        }
        let Some(input) = &mut self.input else {
            return Err(self.refused.unwrap_or(Refusal::Input(InputError::LadderEmpty)));
        };
        input.policy = head.policy;
        head.fill(&mut reader, input)?;
        if !reader.is_empty() {
            return Err(Refusal::Record);
        }
        Ok(())
    }
}

struct Head {
    policy: Policy,
    rungs: usize,
    bits: u16,
    lines: usize,
    samples: usize,
    chunks: usize,
    height_max: u16,
    numbers: [u32; 7],
    bytes_left: u64,
}

impl Head {
    fn read(record: &mut Reader<'_>) -> Option<Self> {
        let mut record = Reader::new(record.array::<HEAD_BYTES>()?);
        Some(Self {
            policy: *POLICIES.get(usize::from(record.u8()?))?,
            rungs: usize::from(record.u8()?),
            bits: record.u16().filter(|bits| *bits < RUNNING << 1)?,
            lines: usize::from(record.u16()?),
            samples: usize::from(record.u16()?),
            chunks: usize::from(record.u16()?),
            height_max: record.u16()?,
            numbers: [
                record.u32()?,
                record.u32()?,
                record.u32()?,
                record.u32()?,
                record.u32()?,
                record.u32()?,
                record.u32()?,
            ],
            bytes_left: record.u64()?,
        })
    }

    fn has(&self, bit: u16) -> bool {
        self.bits & bit != 0
    }

    /// All but policy, ladder and rules.
    fn fill(&self, record: &mut Reader<'_>, input: &mut Input) -> Result<(), Refusal> {
        let ms = |ms: u32| Millis::new(u64::from(ms));
        let [level, max, segment, last, left, latency, rate_max] = self.numbers;
        let rungs = input.ladder.rungs().len();
        let samples = record.bytes(self.samples * SAMPLE_BYTES).ok_or(Refusal::Record)?;
        let sizes = record.bytes(self.chunks * rungs * SIZE_BYTES).ok_or(Refusal::Record)?;
        let weights =
            if self.has(WEIGHTS) { weights(record).ok_or(Refusal::Record)? } else { Ok(Weights::LINEAR) };
        let running = self.has(RUNNING).then(|| running(record).ok_or(Refusal::Record)).transpose()?;
        // Most of a question are samples and sizes, and a simple policy reads few of them.
        let (samples_read, chunks_read) = if self.has(RUNNING) { ALL } else { read_by(self.policy, segment) };
        input.history.refill(samples.as_chunks().0, sample, samples_read).map_err(Refusal::Input)?;
        input.buffer = Buffer::new(ms(level), ms(max), ms(segment)).map_err(Refusal::Input)?;
        let left = self.has(LEFT).then_some(left);
        let sizes = sizes.as_chunks().0;
        input.ahead.refill(rungs, sizes, u32::from_le_bytes, chunks_read, left).map_err(Refusal::Input)?;
        input.weights = weights.map_err(Refusal::Input)?;
        input.last = self.has(LAST).then_some(last as usize);
        input.latency = self.has(LATENCY).then(|| ms(latency));
        input.caps = Caps {
            height_max: self.has(HEIGHT_MAX).then_some(self.height_max),
            rate_max: self.has(RATE_MAX).then(|| Kbps::new(rate_max)),
            bytes_left: self.has(BYTES_LEFT).then_some(self.bytes_left),
        };
        input.running = running;
        Ok(())
    }
}

/// Place of the number of rungs in a record.
const RUNGS_AT: usize = 1;

const RUNG_BYTES: usize = 6;
const LINE_BYTES: usize = 10;
const SAMPLE_BYTES: usize = 16;
const SIZE_BYTES: usize = 4;

/// Of a record, up to the rungs.
const HEAD_BYTES: usize = 48;

const ALL: (usize, usize) = (usize::MAX, usize::MAX);

/// Newest samples and first chunks of known size that a policy reads, at most.
fn read_by(policy: Policy, segment_ms: u32) -> (usize, usize) {
    match policy {
        Policy::SeedRules | Policy::Throughput | Policy::Bola | Policy::Bba => (SAMPLES_USED, 1),
        Policy::BolaE | Policy::Dynamic => (SAMPLES_USED.max(bola_e::samples_of_start(segment_ms)), 1),
        Policy::RobustMpc | Policy::Flagship => ALL,
    }
}

/// Reads `count` of `bytes` each. What is not there takes no memory.
fn repeated<'a, T>(
    record: &mut Reader<'a>,
    count: usize,
    bytes: usize,
    read: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Result<Vec<T>, Refusal> {
    let mut all = Reader::new(record.bytes(count * bytes).ok_or(Refusal::Record)?);
    // Room for all at once: growing would take half the time of a simple decision.
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        found.push(read(&mut all).ok_or(Refusal::Record)?);
    }
    Ok(found)
}

fn shared(record: &mut Reader<'_>, head: &Head) -> Result<(Ladder, Rules), Refusal> {
    let rung = |record: &mut Reader<'_>| {
        let rate = Kbps::new(record.u32()?);
        Some(Rung { rate, height: record.u16()? })
    };
    let line = |record: &mut Reader<'_>| {
        let mbps_min = record.f64()?;
        Some(SpeedRule { mbps_min, height: record.u16()? })
    };
    let rungs = repeated(record, head.rungs, RUNG_BYTES, rung)?;
    let lines = repeated(record, head.lines, LINE_BYTES, line)?;
    let ladder = Ladder::new(rungs).map_err(Refusal::Input)?;
    Ok((ladder, Rules::new(lines).map_err(Refusal::Input)?))
}

fn sample(bytes: &[u8; SAMPLE_BYTES]) -> Sample {
    let [k0, k1, k2, k3, k4, k5, k6, k7, t0, t1, t2, t3, w0, w1, w2, w3] = *bytes;
    let [took, waited] = [[t0, t1, t2, t3], [w0, w1, w2, w3]].map(u32::from_le_bytes);
    let kbps = f64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]);
    Sample { kbps, took: Millis::new(u64::from(took)), waited: Millis::new(u64::from(waited)) }
}

fn weights(record: &mut Reader<'_>) -> Option<Result<Weights, InputError>> {
    let utility = match record.u8()? {
        0 => Utility::Mbps,
        1 => Utility::Log,
        _ => return None,
    };
    let [stall, change] = [record.f64()?, record.f64()?];
    Some(Weights::new(utility, stall, change))
}

fn running(record: &mut Reader<'_>) -> Option<Running> {
    let rung = record.u32()? as usize;
    let [bytes, got] = [record.u32()?, record.u32()?];
    let [took, waited] = [record.u32()?, record.u32()?].map(|ms| Millis::new(u64::from(ms)));
    Some(Running { rung, bytes, got, took, waited })
}
