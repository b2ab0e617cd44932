//! Small candidate sets to ask.

use ranking::{Answer, Candidates, Columns, Request, Rules, TitleId, recommend};

/// A time at which every title of [`columns`] is shown.
pub(crate) const AT_MS: u64 = 5_000_000;

/// Entries of a row: where it leads and with what weight.
pub(crate) type Row<'a> = &'a [(u32, i8)];

/// Titles `10, 20, 30, …`, shown from 0 s to 10,000 s, for every age, less popular one by one.
pub(crate) fn columns(rows: &[Row<'_>]) -> Columns {
    let titles = rows.len();
    let count = u32::try_from(titles).unwrap();
    let mut columns = Columns {
        title_ids: (1..=count).map(|number| number * 10).collect(),
        popularity: (0..u16::try_from(titles).unwrap()).map(|index| 10_000.0 - f32::from(index)).collect(),
        maturity_years: vec![0; titles],
        years: vec![0; titles],
        genres: vec![0; titles],
        window_from_s: vec![0; titles],
        window_until_s: vec![10_000; titles],
        row_offsets: vec![0],
        row_scales_log2: vec![0; titles],
        ..Columns::default()
    };
    for row in rows {
        row.iter().for_each(|&(index, _)| columns.row_indexes.push(index));
        columns.row_weights.extend(row.iter().map(|&(_, weight)| weight));
        columns.row_offsets.push(u32::try_from(columns.row_indexes.len()).unwrap());
    }
    columns
}

/// `count` titles without rows.
pub(crate) fn plain(count: usize) -> Columns {
    columns(&vec![&[] as Row<'_>; count])
}

/// τ = 5, the newest 30 count, no ranker.
pub(crate) fn rules() -> Rules {
    Rules::new(5.0, 30, 0).unwrap()
}

/// A grown-up's question for `k` picks.
pub(crate) fn request(history: &[TitleId], k: u32) -> Request {
    Request {
        history: history.to_vec(),
        exclude: Vec::new(),
        k,
        at_unix_ms: AT_MS,
        maturity_max_years: 18,
        seed: None,
    }
}

/// Asks without a ranker.
pub(crate) fn ask(columns: &Columns, request: &Request) -> Answer {
    recommend(&Candidates::new(columns.clone()).unwrap(), &rules(), request, None).unwrap()
}

/// The titles of an answer, in its order.
pub(crate) fn titles(answer: &Answer) -> Vec<TitleId> {
    answer.picks.iter().map(|pick| pick.title).collect()
}
