//! Random small catalogues and questions, with ties, gaps, negative weights and ids nobody knows.

use quickcheck::{Arbitrary, Gen};
use ranking::{Columns, Request, Rules};

/// A catalogue and a question about it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) columns: Columns,
    pub(crate) recency_tau: f32,
    pub(crate) history_window: u32,
    pub(crate) request: Request,
}

impl Scenario {
    pub(crate) fn rules(&self, ranker_pool: u32) -> Rules {
        Rules::new(self.recency_tau, self.history_window, ranker_pool).unwrap()
    }
}

impl Arbitrary for Scenario {
    fn arbitrary(source: &mut Gen) -> Self {
        let titles = below(source, 14) + 1;
        let mut columns = columns(source, titles);
        for index in 0..u32::try_from(titles).unwrap() {
            add_row(source, &mut columns, index);
        }
        if bool::arbitrary(source) {
            let trend = |source: &mut Gen| *source.choose(&[0.0, 0.0, 1.5, 1.5, 7.25]).unwrap();
            columns.trends = Some((0..titles).map(|_| trend(source)).collect());
        }
        let ids = |source: &mut Gen, most: usize| {
            let count = below(source, most);
            (0..count).map(|_| number(source, 60)).collect()
        };
        Self {
            columns,
            recency_tau: *source.choose(&[0.5, 1.0, 4.0, 5.0, 17.0]).unwrap(),
            history_window: number(source, 12) + 1,
            request: Request {
                history: ids(source, 16),
                exclude: ids(source, 6),
                k: number(source, 20) + 1,
                at_unix_ms: u64::from(number(source, 12_000)),
                maturity_max_years: *source.choose(&[0, 6, 12, 18, 255]).unwrap(),
                seed: None,
            },
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let own = self.clone();
        let histories = self.request.history.shrink();
        Box::new(histories.map(move |history| {
            let mut smaller = own.clone();
            smaller.request.history = history;
            smaller
        }))
    }
}

fn columns(source: &mut Gen, titles: usize) -> Columns {
    let mut columns = Columns { row_offsets: vec![0], ..Columns::default() };
    let mut id = 0;
    for _ in 0..titles {
        id += number(source, 4) + 1;
        columns.title_ids.push(id);
        // Few values, so that ties are common.
        columns.popularity.push(*source.choose(&[0.0, 0.25, 1.0, 1.0, 3.0, 1_000.5]).unwrap());
        columns.maturity_years.push(*source.choose(&[0, 0, 6, 12, 18]).unwrap());
        columns.years.push(*source.choose(&[0, 1980, 1999, 2024]).unwrap());
        columns.genres.push(number(source, 16));
        columns.window_from_s.push(u64::from(number(source, 6)));
        columns.window_until_s.push(u64::from(number(source, 14)));
        columns.row_scales_log2.push(*source.choose(&[-40, -3, 0, 0, 2, 40]).unwrap());
    }
    columns
}

fn add_row(source: &mut Gen, columns: &mut Columns, index: u32) {
    let is_full = !index.is_multiple_of(3);
    for to in 0..u32::try_from(columns.title_ids.len()).unwrap() {
        if is_full && bool::arbitrary(source) {
            columns.row_indexes.push(to);
            columns.row_weights.push(*source.choose(&[-128, -3, 0, 1, 1, 2, 64, 127]).unwrap());
        }
    }
    columns.row_offsets.push(u32::try_from(columns.row_indexes.len()).unwrap());
}

/// A number below `end`.
fn number(source: &mut Gen, end: u32) -> u32 {
    u32::arbitrary(source) % end
}

fn below(source: &mut Gen, end: usize) -> usize {
    usize::arbitrary(source) % end
}
