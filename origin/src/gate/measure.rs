//! Measures a release by its files.

use std::collections::{BTreeMap, BTreeSet};

use inference::Models;
use ranking::{Candidates, Factors, Request, Rules, Slate};
use rayon::prelude::*;
use release::limits::HISTORY_TITLES_MAX;
use release::{CandidateFile, FileError, decode_factors};

use super::judge::GateError;
use super::{HeldOut, Holdout, Reference};
use crate::assemble::{Assembled, Catalogue};
use crate::database::LicenceWindow;
use crate::native::Native;
use crate::train::rank::Place;
use crate::train::score::Sum;

/// Figures by name, as a manifest holds them.
pub type Figures = BTreeMap<String, f64>;

/// Measures a release on the newest view of every held-out viewer, each in the region of the viewer.
///
/// `hr_at_10`, `hr_at_20`, `ndcg_at_10` and `debiased_hr_at_10` are as `evaluate recommend` defines them (but for
/// equal scores, of which one is shown first), of `users` views; a view of a title that has no licence there now is
/// not looked for. `debiased_users` is of how many equal views the debiased figure is worth. `rows_hr_at_10` is that
/// of the rows without any model. `coverage_at_10` is the share of all titles shown anywhere that are among the first
/// ten of at least one viewer, `overlap_at_10` the share of the first ten before rounding that are still among them,
/// and `ranked_overlap_at_10` the same of a ranker that nodes run in bytes.
/// `factors_hr_at_20` is of the factor model alone, which retrieval and the candidates of regions go by.
///
/// # Errors
///
/// When a file is not what its name says, or a model gives nonsense for a viewer.
pub fn measure(
    assembled: &Assembled,
    catalogue: &Catalogue,
    holdout: Holdout,
    reference: &Reference,
) -> Result<Figures, GateError> {
    let release = Release::open(assembled)?;
    let histories = catalogue.histories();
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for title in holdout.learned(histories.clone()).into_values().flatten() {
        *counts.entry(title).or_default() += 1;
    }
    let mut views: BTreeMap<&str, Vec<HeldOut<'_>>> = BTreeMap::new();
    for view in holdout.views(&histories) {
        let region = release.region_of(catalogue, view.viewer);
        if release.is_licensed(catalogue, region, view.target) {
            views.entry(region).or_default().push(view);
        }
    }
    let (mut rows_alone, mut shipped, mut shown) =
        (Totals::default(), Totals::default(), BTreeSet::<u32>::new());
    for (&region, views) in &views {
        rows_alone.add(&release.answers(region, views, &Models::default())?, &counts);
    }
    let mut figures =
        Figures::from([("rows_hr_at_10".to_owned(), rows_alone.sum.measured().quality.hr_at_10)]);
    for (&region, views) in &views {
        let answers = release.answers(region, views, &release.models);
        let answers = answers.map_err(|error| error.with(figures.clone()))?;
        shown.extend(answers.iter().flat_map(|answer| &answer.first_ten));
        shipped.add(&answers, &counts);
    }
    let measured = shipped.sum.measured();
    let mut put = |name: &str, figure: f64| {
        figures.insert(name.to_owned(), figure);
    };
    put("users", measured.quality.users as f64);
    put("hr_at_10", measured.quality.hr_at_10);
    put("hr_at_20", measured.quality.hr_at_20);
    put("ndcg_at_10", measured.quality.ndcg_at_10);
    put("debiased_hr_at_10", measured.debiased_hr_at_10);
    put("debiased_users", shipped.equal_views());
    put("coverage_at_10", shown.len() as f64 / release.shown().max(1) as f64);
    if let Some(overlap) = release.overlap(catalogue, reference)? {
        put("overlap_at_10", overlap);
    }
    if let Some(overlap) = release.ranked_overlap(catalogue, reference)? {
        put("ranked_overlap_at_10", overlap);
    }
    if let Some(found) = release.found_by_factors(views.values().flatten()) {
        put("factors_hr_at_20", found);
    }
    Ok(figures)
}

/// A release as a node reads it.
struct Release<'a> {
    // By the name of the region; the first of the manifest is where viewers of no region are looked at.
    sets: BTreeMap<&'a str, Candidates>,
    first: &'a str,
    rules: Rules,
    models: Models,
    // Of a ranker that is rounded.
    unrounded: Option<Models>,
    factors: Option<Factors>,
    at_unix_s: u64,
}

/// What one viewer was shown.
struct Shown {
    target: u32,
    place: Place,
    first_ten: Vec<u32>,
}

impl<'a> Release<'a> {
    fn open(assembled: &'a Assembled) -> Result<Self, GateError> {
        let (manifest, files) = (&assembled.manifest, &assembled.files);
        let file = |name: &str| files.get(name).map(Vec::as_slice);
        let missing = FileError::Value { field: "files" };
        let mut sets = BTreeMap::new();
        for region in &manifest.regions {
            let bytes = file(&region.candidates).ok_or(missing.clone())?;
            sets.insert(region.name.as_str(), CandidateFile::decode(bytes)?.candidates);
        }
        let model = |model: &'a Option<release::Model>| model.as_ref().and_then(|model| file(&model.file));
        let (ranker, tower) = (model(&manifest.ranker), model(&manifest.tower));
        let models = Models::load(ranker, tower)?;
        let unrounded = models.is_rounded().then(|| Models::load_unrounded(ranker, tower)).transpose()?;
        Ok(Self {
            sets,
            first: manifest.regions.first().ok_or(missing)?.name.as_str(),
            // What models find is measured, not where an operator puts a title: lists in their plain order.
            rules: manifest
                .rules
                .rules()
                .map_err(|_| FileError::Value { field: "rules" })?
                .with_slate(Slate::default()),
            models,
            unrounded,
            factors: manifest.factors.as_deref().and_then(file).map(decode_factors).transpose()?,
            at_unix_s: manifest.created_unix_s,
        })
    }

    fn region_of(&self, catalogue: &Catalogue, viewer: u32) -> &'a str {
        let named = catalogue.viewer_regions.get(&viewer).map_or(self.first, String::as_str);
        self.sets.get_key_value(named).map_or(self.first, |(name, _)| name)
    }

    fn is_licensed(&self, catalogue: &Catalogue, region: &str, title: u32) -> bool {
        let windows = catalogue.regions.get(region);
        let window = windows.and_then(|windows| windows.get(&title)).copied().unwrap_or(LicenceWindow::OPEN);
        (window.from_s..window.until_s).contains(&self.at_unix_s)
    }

    /// Titles that some region shows now.
    fn shown(&self) -> usize {
        let shown = |set: &'_ Candidates| {
            let is_open = |index: &usize| is_open(set, *index, self.at_unix_s);
            (0..set.len()).filter(is_open).map(|index| set.columns().title_ids[index]).collect::<Vec<_>>()
        };
        self.sets.values().flat_map(shown).collect::<BTreeSet<u32>>().len()
    }

    fn request(&self, history: &[u32], k: u32) -> Request {
        Request {
            // As many as nodes keep of a viewer.
            history: history[history.len().saturating_sub(HISTORY_TITLES_MAX)..].to_vec(),
            exclude: Vec::new(),
            k,
            at_unix_ms: self.at_unix_s * 1_000,
            maturity_max_years: release::GOLDEN_MATURITY_MAX_YEARS,
            seed: None,
        }
    }

    fn answers(&self, region: &str, views: &[HeldOut<'_>], models: &Models) -> Result<Vec<Shown>, GateError> {
        let native = Native::new(&self.sets[region], self.rules.clone(), models);
        let shown = |view: &HeldOut<'_>| {
            let answer = native.recommend(&self.request(view.history, ranking::limits::K_MAX))?;
            let first_ten = answer.picks.iter().take(10).map(|pick| pick.title).collect();
            // Where it is seen: of equal scores only one comes first, or a model that says always the same would win.
            let place = answer.picks.iter().position(|pick| pick.title == view.target);
            let place = place.map_or(Place::Nowhere, Place::At);
            Ok(Shown { target: view.target, place, first_ten })
        };
        views.par_iter().map(shown).collect()
    }

    /// The share of views among the first twenty of the factor model, licences aside; none without one, or without views.
    fn found_by_factors<'v>(&self, views: impl Iterator<Item = &'v HeldOut<'v>>) -> Option<f64> {
        let factors = self.factors.as_ref()?;
        let is_found = |view: &HeldOut<'_>| {
            let best = factors.top_rated(view.viewer, 20, view.history);
            f64::from(u8::from(best.iter().any(|scored| scored.title == view.target)))
        };
        mean(&views.map(is_found).collect::<Vec<_>>())
    }

    /// None when nobody's list is known.
    fn overlap(&self, catalogue: &Catalogue, reference: &Reference) -> Result<Option<f64>, GateError> {
        let shares = reference.lists.par_iter().map(|list| {
            let set = &self.sets[self.region_of(catalogue, list.viewer)];
            let is_shown =
                |title: &&u32| set.index_of(**title).is_some_and(|at| is_open(set, at, self.at_unix_s));
            let wanted: Vec<u32> = list.best.iter().filter(is_shown).take(10).copied().collect();
            let Ok(k @ 1..) = u32::try_from(wanted.len()) else { return Ok(None) };
            // The ranker orders what rows and tower have found; what rounds it is measured by itself.
            let native = Native::new(set, self.rules.clone().without_ranker(), &self.models);
            let picks = native.recommend(&self.request(&list.history, k))?.picks;
            let found = picks.iter().filter(|pick| wanted.contains(&pick.title)).count();
            Ok(Some(found as f64 / f64::from(k)))
        });
        Ok(mean(&shares.filter_map(Result::transpose).collect::<Result<Vec<_>, GateError>>()?))
    }

    /// None without a ranker that is rounded.
    fn ranked_overlap(&self, catalogue: &Catalogue, reference: &Reference) -> Result<Option<f64>, GateError> {
        let Some(unrounded) = &self.unrounded else { return Ok(None) };
        let shares = reference.lists.par_iter().map(|list| {
            let set = &self.sets[self.region_of(catalogue, list.viewer)];
            let request = self.request(&list.history, 10);
            let first_ten = |models| {
                let picks = Native::new(set, self.rules.clone(), models).recommend(&request)?.picks;
                Ok::<_, GateError>(picks.into_iter().map(|pick| pick.title).collect::<Vec<_>>())
            };
            let (shown, wanted) = (first_ten(&self.models)?, first_ten(unrounded)?);
            let found = wanted.iter().filter(|title| shown.contains(title)).count();
            Ok((!wanted.is_empty()).then(|| found as f64 / wanted.len() as f64))
        });
        Ok(mean(&shares.filter_map(Result::transpose).collect::<Result<Vec<_>, GateError>>()?))
    }
}

/// None of nothing.
fn mean(shares: &[f64]) -> Option<f64> {
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

fn is_open(set: &Candidates, index: usize, at_unix_s: u64) -> bool {
    let columns = set.columns();
    (columns.window_from_s[index]..columns.window_until_s[index]).contains(&at_unix_s)
}

/// Places of all views, and the weights by which the debiased figure counts them.
#[derive(Default)]
struct Totals {
    sum: Sum,
    weights: f64,
    squares: f64,
}

impl Totals {
    fn add(&mut self, answers: &[Shown], counts: &BTreeMap<u32, u32>) {
        for answer in answers {
            let count = counts.get(&answer.target).copied().unwrap_or(0);
            self.sum.add(answer.place, count);
            let weight = 1.0 / (f64::from(count) + 1.0);
            self.weights += weight;
            self.squares += weight * weight;
        }
    }

    /// Views of one weight with as much noise in their mean (Kish, 1965).
    fn equal_views(&self) -> f64 {
        if self.squares == 0.0 { 0.0 } else { self.weights * self.weights / self.squares }
    }
}
