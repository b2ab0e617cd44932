//! Invented viewers: each has niches of its own, follows series, and is drawn to what is new.

use std::collections::BTreeSet;

use super::dice::{Dice, Urn};
use super::titles::Shelf;
use crate::import::Watched;

/// Events of a viewer, on average.
const EVENTS_MEAN: f64 = 30.0;

/// Events of a viewer, at most.
const EVENTS_MAX: usize = 240;

const DAY_S: u64 = 86_400;

/// What a viewer is like.
struct Habits {
    niches: [usize; 3],
    /// Share of sittings that go on with a series.
    series: f64,
    /// Share that follow from what was watched last.
    follow: f64,
    /// Share that take what everybody watches.
    crowd: f64,
    /// Share that look at what came out lately first.
    premieres: f64,
    /// Points of ten that this viewer gives more than others.
    kindness: f64,
}

/// The whole catalogue and each niche, to draw from by appeal.
struct Urns {
    all: Urn,
    niches: Vec<Urn>,
    /// Niches by the appeal of their titles.
    niche: Urn,
    /// Titles that come out during the history, by day.
    premieres: Vec<usize>,
}

impl Urns {
    fn new(shelf: &Shelf) -> Self {
        let appeal = |titles: &Vec<usize>| titles.iter().map(|title| shelf.appeal[*title]).sum::<f64>();
        let mut premieres: Vec<usize> =
            (0..shelf.titles.len()).filter(|title| shelf.day[*title] > 0).collect();
        premieres.sort_by_key(|title| (shelf.day[*title], *title));
        Self {
            all: Urn::new(shelf.appeal.iter().copied()),
            niches: shelf
                .niches
                .iter()
                .map(|titles| Urn::new(titles.iter().map(|title| shelf.appeal[*title])))
                .collect(),
            niche: Urn::new(shelf.niches.iter().map(|titles| libm::sqrt(appeal(titles)))),
            premieres,
        }
    }
}

/// What all viewers watched, viewer by viewer, each in the order of time.
pub(super) fn watch(shelf: &Shelf, viewers: u32, start_unix_s: u64, days: u32, seed: u64) -> Vec<Watched> {
    let urns = Urns::new(shelf);
    let mut events = Vec::new();
    for viewer in 1..=viewers {
        let mut dice = Dice::new(seed, (2 << 32) | u64::from(viewer));
        let habits = Habits::invent(&urns, &mut dice);
        let times = sittings(shelf.titles.len(), start_unix_s, days, &mut dice);
        let mut seen = BTreeSet::new();
        let mut last = None;
        for at_unix_s in times {
            let day = u32::try_from((at_unix_s - start_unix_s) / DAY_S).unwrap_or(0);
            let Some(title) = habits.choose(shelf, &urns, last, day, &seen, &mut dice) else { continue };
            seen.insert(title);
            last = Some(title);
            let rating = Some(habits.rate(shelf, title, &mut dice));
            events.push(Watched { viewer, title: shelf.titles[title].id, at_unix_s, rating });
        }
    }
    events
}

/// When a viewer watches: from the day of joining on, in the evening mostly.
fn sittings(titles: usize, start_unix_s: u64, days: u32, dice: &mut Dice) -> Vec<u64> {
    // Many watch little, few watch much.
    let wanted = -libm::log(1.0 - dice.unit()) * EVENTS_MEAN;
    // Nobody watches more than half of a small catalogue.
    let count = (wanted as usize).clamp(2, EVENTS_MAX).min((titles / 2).max(1));
    let joined = if dice.happens(0.5) { 0 } else { dice.below(days as usize * 3 / 4) };
    let mut times: Vec<u64> = (0..count)
        .map(|_| {
            let day = joined + dice.below(days as usize - joined);
            // The mean of three is most often near 20:00 and never leaves the day.
            let hour_s = (dice.below(28_800) + dice.below(28_800) + dice.below(28_800)) as u64;
            start_unix_s + day as u64 * DAY_S + (hour_s + 28_800) % DAY_S
        })
        .collect();
    times.sort_unstable();
    times
}

impl Habits {
    fn invent(urns: &Urns, dice: &mut Dice) -> Self {
        Self {
            niches: std::array::from_fn(|_| urns.niche.draw(dice)),
            series: 0.5 + 0.45 * dice.unit(),
            follow: 0.15 + 0.35 * dice.unit(),
            crowd: 0.05 + 0.2 * dice.unit(),
            premieres: 0.15 * dice.unit(),
            kindness: 1.4 * dice.unit() - 0.7,
        }
    }

    /// A whole number of points, 1 to 10: the title's quality, the viewer's taste, and a whim.
    fn rate(&self, shelf: &Shelf, title: usize, dice: &mut Dice) -> f32 {
        const TASTE: [f64; 3] = [1.2, 0.8, 0.5];
        let favourite = self.niches.iter().position(|niche| *niche == shelf.niche[title]);
        let taste = favourite.map_or(-0.4, |index| TASTE[index]);
        let whim = 1.5 * (dice.unit() + dice.unit() - 1.0);
        let points = 6.5 + self.kindness + shelf.quality[title] + taste + whim;
        libm::round(points).clamp(1.0, 10.0) as f32
    }

    /// The next title: not seen, and out by that day. None when luck runs out.
    fn choose(
        &self,
        shelf: &Shelf,
        urns: &Urns,
        last: Option<usize>,
        day: u32,
        seen: &BTreeSet<usize>,
        dice: &mut Dice,
    ) -> Option<usize> {
        const TRIES: usize = 24;
        let is_open = |title: &usize| shelf.day[*title] <= day && !seen.contains(title);
        if let Some(last) = last {
            let sequel = shelf.sequel[last].filter(|_| dice.happens(self.series)).filter(is_open);
            if sequel.is_some() {
                return sequel;
            }
            if dice.happens(self.follow) {
                let follower = shelf.followers[last].into_iter().find(is_open);
                if follower.is_some() {
                    return follower;
                }
            }
        }
        if dice.happens(self.premieres) {
            const LATELY_DAYS: u32 = 21;
            let out = urns.premieres.partition_point(|title| shelf.day[*title] <= day);
            let old = urns.premieres.partition_point(|title| shelf.day[*title] + LATELY_DAYS <= day);
            let latest = urns.premieres[old..out].iter().copied().filter(is_open);
            let best = latest.max_by(|a, b| shelf.appeal[*a].total_cmp(&shelf.appeal[*b]).then(b.cmp(a)));
            if best.is_some() {
                return best;
            }
        }
        let draw = |dice: &mut Dice| {
            if dice.happens(self.crowd) {
                return urns.all.draw(dice);
            }
            // The first niche is the favourite.
            let niche = self.niches[dice.below(3).min(dice.below(3))];
            shelf.niches[niche][urns.niches[niche].draw(dice)]
        };
        (0..TRIES).map(|_| draw(dice)).find(is_open)
    }
}
