//! What a row tells of waits: the one before the first frame, and stalls.

use crate::limits;
use crate::qoe_row::{CellError, DURATION_S_MAX, Item, Row, number, parts};

/// Where in the title it stalled, and for how long; seconds.
type Stalls = Vec<(f64, f64)>;

impl Row<'_> {
    /// The wait before the first frame, if it is known, and the stalls in order of the title.
    ///
    /// A stall where nothing was shown yet is the wait before the first frame, unless that is told by itself.
    pub(crate) fn waits(&self, duration_s: f64, segments: usize) -> Result<(Option<f64>, Stalls), CellError> {
        let (told, mut stalls) = (self.seconds(Item::Startup)?, self.stalls(duration_s, segments)?);
        let (None, Some(&(start, length))) = (told, stalls.first()) else { return Ok((told, stalls)) };
        if start > 0.0 {
            return Ok((None, stalls));
        }
        stalls.remove(0);
        Ok((Some(length), stalls))
    }

    fn stalls(&self, duration_s: f64, segments: usize) -> Result<Stalls, CellError> {
        let (starts, lengths) = (self.numbers(Item::StallStarts)?, self.numbers(Item::StallLengths)?);
        let mut stalls = match self.text(Item::Stalls) {
            Some(text) if text.contains(':') => {
                pairs(text).map_err(|reason| self.error(Item::Stalls, reason))?
            }
            _ if !lengths.is_empty() && starts.len() == lengths.len() => {
                starts.into_iter().zip(lengths).collect()
            }
            _ if starts.is_empty() && segments > 1 && lengths.len() == segments => {
                let begins = (0..segments).map(|segment| duration_s * segment as f64 / segments as f64);
                begins.zip(lengths).collect()
            }
            _ => {
                let count = self.count(Item::Stalls)?.or(self.count(Item::StallCount)?);
                self.spread(count, &starts, &lengths, duration_s)?
            }
        };
        if stalls.len() > limits::CHUNKS_MAX || stalls.iter().any(|(_, length)| *length > DURATION_S_MAX) {
            return Err(self.error(Item::Stalls, "more or longer than a title may have".to_owned()));
        }
        stalls.retain(|(_, length)| *length > 0.0);
        stalls.iter_mut().for_each(|(start, _)| *start = start.min(duration_s));
        stalls.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(stalls)
    }

    /// All stalls together, in seconds.
    fn stalled(&self, duration_s: f64) -> Result<Option<f64>, CellError> {
        let (total_s, ratio) = (self.number(Item::StallTotal)?, self.number(Item::StallRatio)?);
        if ratio.is_some_and(|ratio| ratio >= 1.0) {
            return Err(self.error(Item::StallRatio, "is not below 1".to_owned()));
        }
        Ok(total_s.or(ratio.map(|ratio| duration_s * ratio / (1.0 - ratio))))
    }

    /// Stalls of which not all is told.
    fn spread(
        &self,
        count: Option<u32>,
        starts: &[f64],
        lengths: &[f64],
        duration_s: f64,
    ) -> Result<Stalls, CellError> {
        let total_s = self.stalled(duration_s)?;
        let by_lists = starts.len().max(lengths.len());
        let count = match count {
            Some(count) if count > 0 => count as usize,
            // A time without a count is one stall, whatever a count of zero says.
            _ if by_lists > 0 => by_lists,
            _ => usize::from(total_s.is_some_and(|total| total > 0.0)),
        };
        if count > limits::CHUNKS_MAX {
            return Err(self.error(Item::StallCount, "more than a title may have".to_owned()));
        }
        let each_s = total_s.map_or(STALL_S, |total| total / count.max(1) as f64);
        let start = |index: usize| {
            let even = duration_s * (index + 1) as f64 / (count + 1) as f64;
            starts.get(index).copied().unwrap_or(even)
        };
        Ok((0..count).map(|index| (start(index), lengths.get(index).copied().unwrap_or(each_s))).collect())
    }
}

fn pairs(text: &str) -> Result<Stalls, String> {
    parts(text)
        .map(|part| {
            let (start, length) =
                part.split_once(':').ok_or_else(|| format!("{part:?} is no start:length"))?;
            Ok((number(start)?, number(length)?))
        })
        .collect()
}

/// Of a stall where only the count is told.
const STALL_S: f64 = 2.0;
