//! What a region watches more than usual and what is new to it, mixed into a viewer's own list.
//!
//! All is brought to one scale first, the chance that a title is what the viewer watches next: of the list's own titles
//! by what scored them, of trends in proportion to the trend, of new titles the same for each. The score of a title is the
//! logarithm of the mixture, ln((1 − t − n) · own + t · trend + n · new), with the shares t and n of the slate; so a title
//! that no model knows yet has a place, and one that two sources agree on an earlier one.

use alloc::vec::Vec;

use crate::Candidates;
use crate::eligibility::Eligibility;
use crate::limits::MERGED_MAX;
use crate::order::keep_best;
use crate::request::Reason;
use crate::slate::SlateSettings;

/// What the scores of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Logarithms of chances, but for a constant: of a ranker or a blend.
    Logits,
    /// Chances, but for a factor: of rows.
    Chances,
    /// Nothing is known of the viewer: the chance is the title's share of all views.
    Popularity,
}

/// A list with what was mixed in.
pub(crate) struct Merged {
    /// Falling.
    pub(crate) best: Vec<(f32, u32)>,
    /// By rising index: what is there for its trend or its newness more than for the viewer.
    pub(crate) reasons: Vec<(u32, Reason)>,
}

/// A title's chances by source.
struct Mixed {
    index: u32,
    own: f32,
    trend: f32,
    new: f32,
}

/// Mixes the best eligible trends and new titles into a list whose scores are all of one scale.
pub(crate) fn merge(
    candidates: &Candidates,
    settings: &SlateSettings,
    eligibility: &Eligibility<'_>,
    (own, scale): (&[(f32, u32)], Scale),
) -> Merged {
    let chances = chances(candidates, own, scale);
    let rest = 1.0 - settings.trending_share - settings.new_share;
    let mut all: Vec<Mixed> = own
        .iter()
        .zip(chances)
        .map(|(&(_, index), chance)| Mixed { index, own: rest * chance, trend: 0.0, new: 0.0 })
        .collect();
    let first = |order: &[u32]| -> Vec<u32> {
        let eligible = order.iter().copied().filter(|&index| eligibility.allows(index as usize));
        eligible.take(MERGED_MAX).collect()
    };
    let trends = candidates.columns.trends.as_deref().unwrap_or_default();
    let trending = if settings.trending_share > 0.0 { first(&candidates.by_trend) } else { Vec::new() };
    let total: f32 = trending.iter().map(|&index| trends[index as usize]).sum();
    for index in trending {
        entry(&mut all, index).trend = settings.trending_share * trends[index as usize] / total;
    }
    let newest = if settings.new_share > 0.0 { first(&candidates.by_newness) } else { Vec::new() };
    #[allow(clippy::cast_precision_loss, reason = "a few dozen at most")]
    let each = settings.new_share / newest.len().max(1) as f32;
    for index in newest {
        entry(&mut all, index).new = each;
    }
    let mut reasons: Vec<(u32, Reason)> = all.iter().filter_map(Mixed::reason).collect();
    reasons.sort_unstable_by_key(|&(index, _)| index);
    let mut best: Vec<(f32, u32)> = all.iter().map(|mixed| (mixed.score(), mixed.index)).collect();
    let count = best.len();
    keep_best(&mut best, count);
    Merged { best, reasons }
}

/// The title's entry; few enough to search.
fn entry(all: &mut Vec<Mixed>, index: u32) -> &mut Mixed {
    let place = all.iter().position(|mixed| mixed.index == index).unwrap_or_else(|| {
        all.push(Mixed { index, own: 0.0, trend: 0.0, new: 0.0 });
        all.len() - 1
    });
    &mut all[place]
}

impl Mixed {
    /// Chances too small for a number are as good as this one.
    fn score(&self) -> f32 {
        let chance = libm::fmaxf(self.own + self.trend + self.new, f32::MIN_POSITIVE);
        // Rounded once, so that whoever else computes it gets the same bits.
        libm::log(f64::from(chance)) as f32
    }

    fn reason(&self) -> Option<(u32, Reason)> {
        let reason = if self.trend >= self.new { Reason::Trending } else { Reason::New };
        (libm::fmaxf(self.trend, self.new) > self.own).then_some((self.index, reason))
    }
}

/// The chance of each title of the list; they add up to 1 where any is above 0.
fn chances(candidates: &Candidates, own: &[(f32, u32)], scale: Scale) -> Vec<f32> {
    let largest = own.iter().map(|&(score, _)| score).fold(f32::NEG_INFINITY, libm::fmaxf);
    let weight = |&(score, index): &(f32, u32)| match scale {
        Scale::Logits => libm::expf(score - largest),
        // By the largest, so that a sum of many stays in range.
        Scale::Chances if largest > 0.0 => libm::fmaxf(score, 0.0) / largest,
        Scale::Popularity if candidates.popularity_max > 0.0 => {
            candidates.columns.popularity[index as usize] / candidates.popularity_max
        }
        Scale::Chances | Scale::Popularity => 0.0,
    };
    let weights: Vec<f32> = own.iter().map(weight).collect();
    let total: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| if total > 0.0 { weight / total } else { 0.0 }).collect()
}
