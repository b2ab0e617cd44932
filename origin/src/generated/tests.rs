//! That the invented history is the same everywhere, sound, and has something to learn in it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const PLAN: Plan = Plan { titles: 600, viewers: 800, seed: 7 };

#[test]
fn equal_plans_give_equal_data_and_another_seed_other_data() {
    let (one, same) = (generate(PLAN), generate(PLAN));
    assert_eq!(one.titles, same.titles);
    assert_eq!(one.events, same.events);
    let other = generate(Plan { seed: 8, ..PLAN });
    assert_ne!(one.events, other.events);
    assert_ne!(one.titles, other.titles);
}

#[test]
fn every_title_has_a_number_a_name_and_genres_of_its_own() {
    for titles in [20, 600, 5_000] {
        let generated = generate(Plan { titles, viewers: 1, ..PLAN });
        assert_eq!(generated.titles.len(), titles as usize);
        assert!(generated.titles.iter().zip(1..).all(|(title, id)| title.id == id));
        let names: BTreeSet<&str> = generated.titles.iter().map(|title| title.name.as_str()).collect();
        assert_eq!(names.len(), titles as usize);
        assert!(generated.titles.iter().all(|title| !title.genres.is_empty() && title.year.is_some()));
    }
}

#[test]
fn nobody_watches_a_title_twice_or_outside_the_half_year() {
    let generated = generate(PLAN);
    let mut seen = BTreeSet::new();
    let end_unix_s = START_UNIX_S + u64::from(DAYS) * 86_400;
    for event in &generated.events {
        assert!(seen.insert((event.viewer, event.title)));
        assert!((START_UNIX_S..end_unix_s).contains(&event.at_unix_s));
        assert!((1..=PLAN.titles).contains(&event.title));
        assert!(event.rating.is_some_and(|rating| (1.0..=10.0).contains(&rating)));
    }
    let viewers: BTreeSet<u32> = generated.events.iter().map(|event| event.viewer).collect();
    assert_eq!(viewers.len(), PLAN.viewers as usize);
}

#[test]
fn few_titles_are_watched_by_many() {
    let generated = generate(PLAN);
    let mut views: BTreeMap<u32, usize> = BTreeMap::new();
    for event in &generated.events {
        *views.entry(event.title).or_default() += 1;
    }
    let mut views: Vec<usize> = views.into_values().collect();
    views.sort_unstable_by(|a, b| b.cmp(a));
    let head: usize = views.iter().take(PLAN.titles as usize / 10).sum();
    let share = head as f64 / generated.events.len() as f64;
    assert!((0.3..0.7).contains(&share), "the upper tenth has {share} of the views");
}

#[test]
fn what_was_watched_last_tells_what_comes_next() {
    let generated = generate(PLAN);
    // The transitions of even viewers predict those of odd ones, far better than popularity does.
    let mut next: BTreeMap<u32, BTreeMap<u32, usize>> = BTreeMap::new();
    let mut views: BTreeMap<u32, usize> = BTreeMap::new();
    let pairs: Vec<(u32, u32, u32)> = generated
        .events
        .windows(2)
        .filter(|pair| pair[0].viewer == pair[1].viewer)
        .map(|pair| (pair[0].viewer, pair[0].title, pair[1].title))
        .collect();
    for (viewer, from, to) in &pairs {
        if viewer % 2 == 0 {
            *next.entry(*from).or_default().entry(*to).or_default() += 1;
            *views.entry(*to).or_default() += 1;
        }
    }
    let top = |counts: &BTreeMap<u32, usize>| {
        let mut ranked: Vec<(usize, u32)> = counts.iter().map(|(title, count)| (*count, *title)).collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.into_iter().take(10).map(|(_, title)| title).collect::<BTreeSet<u32>>()
    };
    let popular = top(&views);
    let tested = pairs.iter().filter(|(viewer, ..)| viewer % 2 == 1);
    let (mut all, mut by_last, mut by_popularity) = (0.0, 0.0, 0.0);
    for (_, from, to) in tested {
        all += 1.0;
        by_last += f64::from(u8::from(next.get(from).is_some_and(|counts| top(counts).contains(to))));
        by_popularity += f64::from(u8::from(popular.contains(to)));
    }
    let (by_last, by_popularity) = (by_last / all, by_popularity / all);
    assert!(by_last > 0.25 && by_last > 1.5 * by_popularity, "{by_last} against {by_popularity}");
}
