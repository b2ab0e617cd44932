//! A synthetic release, the same on every machine.

use std::path::Path;

use ::ranking::{Candidates, Columns};
use anyhow::{Context, Result};
use frontrow_edge::runtime::{Components, RegionFiles, ReleaseFiles, ranking};
use release::CandidateFile;

/// Titles of the candidate set.
pub(crate) const TITLES: u32 = 10_000;
/// Entries of each row.
pub(crate) const ROW_ENTRIES: u32 = 200;
/// The region's name.
pub(crate) const REGION: &str = "eu";

/// The `.wasm` files of a folder.
pub(crate) struct Wasm {
    ranking: Vec<u8>,
    inference: Vec<u8>,
    bitrate: Vec<u8>,
    qoe: Vec<u8>,
}

impl Wasm {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path)
                .with_context(|| format!("{} is absent: `cargo xtask components` builds it", path.display()))
        };
        Ok(Self {
            ranking: read("ranking.wasm")?,
            inference: read("inference.wasm")?,
            bitrate: read("bitrate.wasm")?,
            qoe: read("qoe.wasm")?,
        })
    }

    /// The release, with a pool for the ranker where there is one.
    pub(crate) fn release<'a>(
        &'a self,
        regions: &'a [RegionFiles<'a>],
        ranker: Option<(&'a [u8], u32)>,
    ) -> ReleaseFiles<'a> {
        ReleaseFiles {
            generation: 1,
            components: Components {
                ranking: &self.ranking,
                inference: &self.inference,
                bitrate: &self.bitrate,
                qoe: &self.qoe,
            },
            regions,
            factors: None,
            ranker: ranker.map(|(onnx, _)| onnx),
            tower: None,
            rules: ranking::Rules {
                recency_tau: 8.0,
                history_window: 50,
                ranker_pool: ranker.map_or(0, |(_, pool)| pool),
                blend: None,
                slate: ranking::Slate::default(),
            },
        }
    }
}

/// A candidate set with a row of so many entries in every title.
pub(crate) fn candidates(titles: u32, row_entries: u32) -> Result<Vec<u8>> {
    encoded(columns(titles, row_entries))
}

/// The file of a region's columns.
pub(crate) fn encoded(columns: Columns) -> Result<Vec<u8>> {
    let candidates =
        Candidates::new(columns).map_err(|error| anyhow::anyhow!("the synthetic candidates: {error:?}"))?;
    Ok(CandidateFile { region: REGION.to_owned(), genres: Vec::new(), candidates }.encode())
}

/// The columns of so many titles.
pub(crate) fn columns(titles: u32, row_entries: u32) -> Columns {
    let mut dice = Dice(7);
    let mut columns = Columns::default();
    columns.row_offsets.push(0);
    for title in 0..titles {
        columns.title_ids.push(title * 3 + 1);
        columns.popularity.push(1_000.0 / (1.0 + title as f32));
        columns.maturity_years.push([0, 6, 12, 16, 18][dice.below(5) as usize]);
        columns.years.push(1950 + dice.below(75) as u16);
        columns.genres.push(1 << dice.below(20) | 1 << dice.below(20));
        columns.window_from_s.push(0);
        columns.window_until_s.push(u64::MAX);
        // Rising and each once: one of every fifty.
        for entry in 0..row_entries {
            let step = titles / row_entries;
            columns.row_indexes.push(entry * step + dice.below(step));
            columns.row_weights.push(1 + dice.below(127) as i8);
        }
        columns.row_offsets.push(columns.row_indexes.len() as u32);
        columns.row_scales_log2.push(-7);
    }
    // Every seventh is watched more than usual.
    columns.trends = Some((0..titles).map(|title| f32::from(u8::from(title % 7 == 0))).collect());
    columns
}

/// Questions of viewers with fifty titles behind them.
pub(crate) fn questions(count: usize) -> Vec<ranking::Request> {
    let mut dice = Dice(11);
    let mut title = || dice.below(TITLES) * 3 + 1;
    let mut question = || ranking::Request {
        history: (0..50).map(|_| title()).collect(),
        exclude: (0..20).map(|_| title()).collect(),
        k: 20,
        at_unix_ms: 1_800_000_000_000,
        maturity_max: 18,
        seed: None,
    };
    (0..count).map(|_| question()).collect()
}

/// SplitMix64: the same numbers everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed >> 33) % u64::from(end)) as u32
    }
}
