//! How the lists of a release are laid out, as the operator's configuration says.

use std::collections::{BTreeMap, BTreeSet};

use release::{PinEntry, RulesEntry, SlateEntry};
use serde::Deserialize;

use super::{AssembleError, Catalogue};

/// What the configuration says of lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slates {
    /// Of every region.
    pub all: SlateEntry,
    /// What an operator places in one region.
    pub regions: BTreeMap<String, PlacedConfig>,
}

/// What an operator places in a region, instead of what is placed in all of them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct PlacedConfig {
    /// Titles with a place of their own.
    pub pinned: Vec<PinEntry>,
    /// Titles that come first.
    pub promoted: Vec<u32>,
}

impl Slates {
    /// How lists of a region are laid out, if otherwise than those of all.
    pub(super) fn own(&self, region: &str) -> Option<SlateEntry> {
        let PlacedConfig { pinned, promoted } = self.regions.get(region)?.clone();
        Some(SlateEntry { pinned, promoted, ..self.all.clone() })
    }

    /// The rules of a region, from those that were trained.
    pub(crate) fn rules_of(&self, region: &str, trained: &RulesEntry) -> RulesEntry {
        RulesEntry { slate: self.own(region).unwrap_or_else(|| self.all.clone()), ..trained.clone() }
    }

    /// A name or a number that nothing has would be a silent mistake.
    pub(super) fn check(&self, catalogue: &Catalogue) -> Result<(), AssembleError> {
        if let Some(region) = self.regions.keys().find(|region| !catalogue.regions.contains_key(*region)) {
            return Err(AssembleError::SlateRegionUnknown(region.clone()));
        }
        let known: BTreeSet<u32> = catalogue.titles.iter().map(|title| title.id).collect();
        let own = self.regions.keys().filter_map(|region| self.own(region));
        for slate in own.chain([self.all.clone()]) {
            slate.slate().map_err(|error| AssembleError::SlateRefused(error.rule))?;
            let mut placed = slate.pinned.iter().map(|pin| pin.title).chain(slate.promoted.iter().copied());
            if let Some(title) = placed.find(|title| !known.contains(title)) {
                return Err(AssembleError::SlateTitleUnknown(title));
            }
        }
        Ok(())
    }
}
