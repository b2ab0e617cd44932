//! How many titles may be shown at a time to an age, without looking at each.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::candidates::Columns;

/// The ends of licence windows, by the age that titles are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Openings(Vec<Ages>);

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
        Self(ages)
    }

    /// Titles for at most this age whose window is open.
    pub(crate) fn count(&self, at_unix_s: u64, maturity_max_years: u8) -> u32 {
        let ages = self.0.iter().take_while(|ages| ages.maturity_years <= maturity_max_years);
        let open = ages.map(|ages| {
            let opened = ages.from_s.partition_point(|&from| from <= at_unix_s);
            // What has ended was open before.
            opened - ages.until_s.partition_point(|&until| until <= at_unix_s)
        });
        open.sum::<usize>() as u32
    }
}
