//! Invented titles: niches of related ones, series that are watched in order, few hits and a long tail.

use std::collections::BTreeSet;

use super::dice::{Dice, Urn};
use super::words::{ADJECTIVES, GENRES, PEOPLE, PLACES, SEQUELS};
use crate::database::Title;
use crate::import::maturity;

/// What viewers choose from.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) titles: Vec<Title>,
    /// Of each title, by its index: the niche it belongs to.
    pub(super) niche: Vec<usize>,
    /// Of each title: the next part of its series.
    pub(super) sequel: Vec<Option<usize>>,
    /// Of each title: what its viewers tend to watch next, best first.
    pub(super) followers: Vec<[usize; 3]>,
    /// Of each title: how much it is asked for.
    pub(super) appeal: Vec<f64>,
    /// Of each title: how much better it is found than others, −1.5 to 1.5 points of ten.
    pub(super) quality: Vec<f64>,
    /// Of each title: the day of the history from which it can be watched.
    pub(super) day: Vec<u32>,
    /// The titles of each niche; none is empty.
    pub(super) niches: Vec<Vec<usize>>,
}

/// Titles of a niche, about.
const NICHE_TITLES: usize = 40;

/// Share of the titles that come out while the history goes on.
const PREMIERES: f64 = 0.15;

const YEAR_FIRST: usize = 1950;
const YEAR_LAST: usize = 2025;

impl Shelf {
    pub(super) fn invent(count: usize, days: u32, seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let niche_genres = invent_niches(count.div_ceil(NICHE_TITLES), &mut dice);
        let mut shelf = Self {
            titles: Vec::with_capacity(count),
            niche: Vec::new(),
            sequel: vec![None; count],
            followers: Vec::new(),
            appeal: Vec::new(),
            quality: Vec::new(),
            day: Vec::new(),
            niches: vec![Vec::new(); niche_genres.len()],
        };
        let mut names = BTreeSet::new();
        while shelf.titles.len() < count {
            // One of each niche first, so that none is empty.
            let at = shelf.titles.len();
            let niche = if at < niche_genres.len() { at } else { dice.below(niche_genres.len()) };
            let parts = if dice.happens(0.12) { 2 + dice.below(SEQUELS.len()) } else { 1 };
            let room = count - at;
            shelf.add_series(niche, &niche_genres[niche], parts.min(room), days, &mut names, &mut dice);
        }
        shelf.followers = (0..count).map(|title| shelf.choose_followers(title, &mut dice)).collect();
        shelf
    }

    /// One title, or several that are watched one after the other.
    fn add_series(
        &mut self,
        niche: usize,
        genres: &[usize],
        parts: usize,
        days: u32,
        names: &mut BTreeSet<String>,
        dice: &mut Dice,
    ) {
        let name = invent_name(genres[0], names, dice);
        let genres = genres_of_title(genres, dice);
        // A power law: few are asked for by many. The exponent is what film catalogues show.
        let appeal = libm::pow(1.0 - dice.unit(), -1.1).min(2_000.0);
        let quality = 3.0 * dice.unit() - 1.5;
        // Newer years are likelier.
        let span = YEAR_LAST - YEAR_FIRST + 1 - parts;
        let year_first = YEAR_FIRST + dice.below(span).max(dice.below(span)).max(dice.below(span));
        for part in 0..parts {
            let index = self.titles.len();
            let is_premiere = dice.happens(PREMIERES) && part + 1 == parts;
            let day = if is_premiere { 1 + dice.below(days.saturating_sub(1).max(1) as usize) } else { 0 };
            let name = if part == 0 { name.clone() } else { format!("{name} {}", SEQUELS[part - 1]) };
            names.insert(name.clone());
            self.titles.push(Title {
                id: u32::try_from(index).unwrap_or(u32::MAX - 1) + 1,
                name,
                year: u16::try_from(if is_premiere { YEAR_LAST } else { year_first + part }).ok(),
                maturity: maturity(&genres),
                genres: genres.clone(),
            });
            self.niche.push(niche);
            self.niches[niche].push(index);
            // Every part loses some of those who saw the one before.
            self.appeal.push(appeal * libm::pow(0.8, part as f64));
            self.quality.push(quality);
            self.day.push(u32::try_from(day).unwrap_or(0));
            if part > 0 {
                self.sequel[index - 1] = Some(index);
            }
        }
    }

    /// Mostly the well-known titles of the niche, but different ones for each title.
    fn choose_followers(&self, title: usize, dice: &mut Dice) -> [usize; 3] {
        let niche = &self.niches[self.niche[title]];
        let urn = Urn::new(niche.iter().map(|other| libm::sqrt(self.appeal[*other])));
        std::array::from_fn(|_| niche[urn.draw(dice)])
    }
}

/// The genres that the titles of each niche share, the telling one first.
fn invent_niches(count: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let niche = |index: usize, dice: &mut Dice| {
        let first = index % GENRES.len();
        let mut genres = vec![first];
        let second = dice.below(GENRES.len());
        if second != first {
            genres.push(second);
        }
        genres
    };
    (0..count.max(1)).map(|index| niche(index, dice)).collect()
}

/// Those of the niche, and now and then one more.
fn genres_of_title(niche: &[usize], dice: &mut Dice) -> Vec<String> {
    let mut genres: Vec<&str> = niche.iter().map(|genre| GENRES[*genre].name).collect();
    if dice.happens(0.3) {
        let more = dice.one(&GENRES).name;
        if !genres.contains(&more) {
            genres.push(more);
        }
    }
    genres.into_iter().map(str::to_owned).collect()
}

/// A name that no other title has.
fn invent_name(genre: usize, taken: &BTreeSet<String>, dice: &mut Dice) -> String {
    const TRIES: usize = 64;
    for _ in 0..TRIES {
        let name = draw_name(genre, dice);
        if !taken.contains(&name) {
            return name;
        }
    }
    // So many titles that words run out: chapters of a place never do.
    let base = draw_name(genre, dice);
    let free = (1..).map(|chapter| format!("{base}: Chapter {chapter}")).find(|name| !taken.contains(name));
    free.unwrap_or(base)
}

fn draw_name(genre: usize, dice: &mut Dice) -> String {
    let noun = *dice.one(&GENRES[genre].nouns);
    let adjective = *dice.one(&ADJECTIVES);
    let (place, person) = (*dice.one(&PLACES), *dice.one(&PEOPLE));
    match dice.below(8) {
        0 | 1 => format!("The {adjective} {noun}"),
        2 => format!("{adjective} {noun}"),
        3 => format!("The {noun} of {place}"),
        4 => format!("{person}’s {noun}"),
        5 => format!("{person} and the {adjective} {noun}"),
        6 => format!("{noun} in {place}"),
        _ => format!("A {noun} for {person}"),
    }
}
