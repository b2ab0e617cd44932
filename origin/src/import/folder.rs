//! Finds out what a folder holds, and reads it into the database.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::ImportError;
use super::lines::{Count, Lines};
use super::load::{Catalogue, Chunk, Imported, load};
use super::movies::read_movies;
use super::ratings::{ids, read_ratings};
use crate::database::{Database, Moment};
use crate::limits;

/// A form of catalogues and histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `ratings.dat` and `movies.dat` with IMDb's numbers, ratings 0 to 10.
    MovieTweetings,
    /// `ratings.dat` and `movies.dat` of MovieLens (1M, 10M).
    MovieLensDat,
    /// `ratings.csv` and `movies.csv` of MovieLens (20M and later).
    MovieLensCsv,
}

impl Format {
    /// What the catalogue says it is from; MovieLens has one numbering for all its versions.
    fn source(self) -> &'static str {
        match self {
            Self::MovieTweetings => "movietweetings",
            Self::MovieLensDat | Self::MovieLensCsv => "movielens",
        }
    }

    fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::MovieTweetings | Self::MovieLensDat => ("movies.dat", "ratings.dat"),
            Self::MovieLensCsv => ("movies.csv", "ratings.csv"),
        }
    }

    pub(super) fn is_header(self, line: &[u8]) -> bool {
        self == Self::MovieLensCsv && !line.first().is_some_and(u8::is_ascii_digit)
    }

    /// What a folder holds, by the names of its files and the form of the first number.
    pub fn detect(folder: &Path) -> Result<Self, ImportError> {
        let has = |name: &str| folder.join(name).is_file();
        if has("movies.csv") && has("ratings.csv") {
            return Ok(Self::MovieLensCsv);
        }
        if !(has("movies.dat") && has("ratings.dat")) {
            return Err(ImportError::FormatUnknown(folder.to_path_buf()));
        }
        let path = folder.join("movies.dat");
        let mut lines = Lines::open(&path).map_err(ImportError::unreadable(&path))?;
        let first = lines.next().map_err(ImportError::unreadable(&path))?;
        // IMDb pads its numbers with zeros to seven digits; MovieLens counts from 1.
        let digits = |line: &[u8]| line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_padded = first.is_some_and(|(_, line)| line.is_ok_and(|line| digits(line) >= 7));
        Ok(if is_padded { Self::MovieTweetings } else { Self::MovieLensDat })
    }
}

/// What was read of a folder, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the folder holds.
    pub format: Format,
    /// The lines about titles.
    pub movies: Count,
    /// The lines about viewers.
    pub ratings: Count,
    /// What the database has of it.
    pub imported: Imported,
}

/// Reads a folder into the database, in one transaction and in bounded memory.
pub async fn import_folder(database: &Database, folder: &Path) -> Result<Reading, ImportError> {
    let format = Format::detect(folder)?;
    let (movies_path, ratings_path) = (folder.join(format.files().0), folder.join(format.files().1));
    let (titles, movies) = blocking({
        let path = movies_path.clone();
        move || read_movies(&path, format)
    })
    .await?;
    if titles.is_empty() {
        return Err(nothing_sound(movies_path, &movies));
    }
    let known = ids(&titles);
    let (sender, receiver) = mpsc::channel(limits::CHUNKS_WAITING_MAX);
    const DAY_S: u64 = 86_400;
    let latest_unix_s = Moment::now().unix_s() + DAY_S;
    let reading = blocking({
        let path = ratings_path.clone();
        move || {
            let count = read_ratings(&path, format, &known, latest_unix_s, &sender)?;
            if count.lines == count.bad {
                return Err(nothing_sound(path, &count));
            }
            // The loader that went away has an error of its own to tell.
            let _ = sender.blocking_send(Chunk::End);
            Ok(count)
        }
    });
    let catalogue = Catalogue { source: format.source().to_owned(), titles: titles.into_values().collect() };
    // Side by side: the reader fills the channel that the loader empties.
    let (ratings, imported) = tokio::join!(reading, load(database, catalogue, receiver));
    Ok(Reading { format, movies, ratings: ratings?, imported: imported? })
}

fn nothing_sound(path: PathBuf, count: &Count) -> ImportError {
    let first = count.first_bad.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
    ImportError::NothingSound { path, lines: count.lines, first }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(read).await.map_err(|_| ImportError::Panicked)?
}
