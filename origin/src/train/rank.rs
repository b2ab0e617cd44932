//! Leave-one-out, full ranking: where the target stands among all items, and what that is worth.

/// How many items score strictly higher than the target; 0 is the best.
///
/// Ties favour the target, as the published figures do; a target that was filtered out has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Items strictly above the target.
    At(usize),
    /// The target was not among the items that could be shown.
    Nowhere,
}

impl Place {
    /// Counts `scores` strictly above that of `target`; minus infinity marks what is filtered out.
    pub fn among(scores: &[f32], target: usize) -> Self {
        let own = scores[target];
        if own == f32::NEG_INFINITY {
            return Self::Nowhere;
        }
        Self::At(scores.iter().filter(|&&score| score > own).count())
    }

    /// Whether it is among the first ten.
    pub fn is_hit(self) -> bool {
        matches!(self, Self::At(above) if above < 10)
    }
}

/// Places of many targets, added up in a fixed order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    users: u64,
    hits_at_10: u64,
    hits_at_20: u64,
    gain_at_10: f64,
}

impl Tally {
    /// Counts one target.
    pub fn add(&mut self, place: Place) {
        self.users += 1;
        let Place::At(above) = place else { return };
        if place.is_hit() {
            self.hits_at_10 += 1;
            self.gain_at_10 += 1.0 / (above as f64 + 2.0).log2();
        }
        if above < 20 {
            self.hits_at_20 += 1;
        }
    }

    /// The shares; all 0 when nothing was counted.
    pub fn quality(&self) -> Quality {
        let users = self.users.max(1) as f64;
        Quality {
            users: self.users,
            hr_at_10: self.hits_at_10 as f64 / users,
            ndcg_at_10: self.gain_at_10 / users,
            hr_at_20: self.hits_at_20 as f64 / users,
        }
    }
}

/// Quality of an order over held-out views.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Viewers whose held-out view was looked for.
    pub users: u64,
    /// Share of them with the target among the first 10; 0 to 1.
    pub hr_at_10: f64,
    /// Mean of 1 / log2(place + 2) where the place is below 10; 0 to 1.
    pub ndcg_at_10: f64,
    /// Share of them with the target among the first 20; 0 to 1.
    pub hr_at_20: f64,
}

impl Quality {
    /// What settings are chosen by: HR@10 + NDCG@10.
    pub fn worth(&self) -> f64 {
        self.hr_at_10 + self.ndcg_at_10
    }

    /// Whether the worth is higher by more than chance moves HR@10.
    pub fn is_clearly_better_than(&self, other: &Self) -> bool {
        self.worth() > other.worth() + self.standard_error()
    }

    /// How far chance moves HR@10 among as many viewers, above 0 even where all or none were found: by the rule of
    /// succession.
    pub fn standard_error(&self) -> f64 {
        let users = self.users as f64 + 2.0;
        let share = (self.hr_at_10 * self.users as f64 + 1.0) / users;
        (share * (1.0 - share) / users).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_moves_a_share_less_the_more_viewers_there_are_and_never_by_nothing() {
        let error = |users, hr_at_10| Quality { users, hr_at_10, ..Quality::default() }.standard_error();
        // sqrt(0.25 · 0.75 / 4,333) = 0.006578…
        assert!((error(4_333, 0.25) - 0.006_578).abs() < 1e-5);
        assert!(error(100, 0.25) > error(1_000, 0.25));
        assert!(error(100, 1.0) > 0.005 && error(0, 0.0) > 0.1);
    }

    #[test]
    fn what_is_clearly_better_is_so_by_a_standard_error_of_the_hits() {
        let quality = |hr_at_10, ndcg_at_10| Quality { users: 4_333, hr_at_10, ndcg_at_10, hr_at_20: 0.5 };
        let before = quality(0.25, 0.14);
        assert!(!quality(0.2533, 0.1432).is_clearly_better_than(&before));
        assert!(quality(0.2534, 0.1434).is_clearly_better_than(&before));
        assert!(!before.is_clearly_better_than(&before));
        assert!(!quality(0.2, 0.1).is_clearly_better_than(&before));
    }

    #[test]
    fn only_strictly_higher_scores_are_above() {
        assert_eq!(Place::among(&[1.0, 2.0, 2.0, 3.0], 1), Place::At(1));
        assert_eq!(Place::among(&[1.0, f32::NEG_INFINITY], 1), Place::Nowhere);
    }

    #[test]
    fn figures_follow_their_definition() {
        let mut tally = Tally::default();
        for place in [Place::At(0), Place::At(2), Place::At(10), Place::At(20), Place::Nowhere] {
            tally.add(place);
        }
        let quality = tally.quality();
        assert_eq!(quality.users, 5);
        assert_eq!(quality.hr_at_10, 0.4);
        assert_eq!(quality.hr_at_20, 0.6);
        assert_eq!(quality.ndcg_at_10, (1.0 + 0.5) / 5.0);
    }

    #[test]
    fn a_better_place_never_lowers_a_figure() {
        fn property(above: u8, better: u8) -> bool {
            let quality = |above: u8| {
                let mut tally = Tally::default();
                tally.add(Place::At(usize::from(above)));
                tally.quality()
            };
            let (low, high) = (quality(above), quality(above.saturating_sub(better)));
            high.hr_at_10 >= low.hr_at_10
                && high.ndcg_at_10 >= low.ndcg_at_10
                && high.hr_at_20 >= low.hr_at_20
        }
        quickcheck::quickcheck(property as fn(u8, u8) -> bool);
    }
}
