//! Which titles may be shown at a time to an age, and how many, without looking at each.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::candidates::Columns;

/// The licence windows and ages of titles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Openings {
    ages: Vec<Ages>,
    // Most titles share theirs with many: where all are asked about, few windows are looked at.
    kinds: Vec<Kind>,
    // Of each title.
    kind: Vec<u32>,
}

/// A window and an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    maturity_years: u8,
    from_s: u64,
    until_s: u64,
}

/// The ends of the windows of titles for one age.
#[derive(Clone, Debug, Default)]
struct Ages {
    maturity_years: u8,
    // Rising, each for itself; a window that never opens is in neither.
    from_s: Vec<u64>,
    until_s: Vec<u64>,
}

impl Openings {
    pub(crate) fn new(columns: &Columns) -> Self {
        let mut ages: BTreeMap<u8, Ages> = BTreeMap::new();
        let windows = columns.window_from_s.iter().zip(&columns.window_until_s);
        for (&maturity_years, (&from, &until)) in columns.maturity_years.iter().zip(windows) {
            if from < until {
                let of_age = ages.entry(maturity_years).or_default();
                of_age.maturity_years = maturity_years;
                of_age.from_s.push(from);
                of_age.until_s.push(until);
            }
        }
        let mut ages: Vec<Ages> = ages.into_values().collect();
        for of_age in &mut ages {
            of_age.from_s.sort_unstable();
            of_age.until_s.sort_unstable();
        }
        let kind_of = |(&maturity_years, (&from_s, &until_s)): (&u8, (&u64, &u64))| Kind {
            maturity_years,
            from_s,
            until_s,
        };
        let windows = columns.window_from_s.iter().zip(&columns.window_until_s);
        let of_titles: Vec<Kind> = columns.maturity_years.iter().zip(windows).map(kind_of).collect();
        let mut kinds = of_titles.clone();
        kinds.sort_unstable();
        kinds.dedup();
        let number = |kind: &Kind| kinds.binary_search(kind).unwrap_or_default() as u32;
        let kind = of_titles.iter().map(number).collect();
        Self { ages, kinds, kind }
    }

    /// Whether the title at this index may be shown to whoever has begun it: by its licence and its age rating.
    pub(crate) fn is_open(&self, index: usize, at_unix_s: u64, maturity_max_years: u8) -> bool {
        let Kind { maturity_years, from_s, until_s } = self.kinds[self.kind[index] as usize];
        maturity_years <= maturity_max_years && from_s <= at_unix_s && at_unix_s < until_s
    }

    /// Titles for at most this age whose window is open.
    pub(crate) fn count(&self, at_unix_s: u64, maturity_max_years: u8) -> u32 {
        let ages = self.ages.iter().take_while(|ages| ages.maturity_years <= maturity_max_years);
        let open = ages.map(|ages| {
            let opened = ages.from_s.partition_point(|&from| from <= at_unix_s);
            // What has ended was open before.
            opened - ages.until_s.partition_point(|&until| until <= at_unix_s)
        });
        open.sum::<usize>() as u32
    }
}
