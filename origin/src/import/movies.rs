//! `movies.dat` and `movies.csv`: what the titles are.

use std::collections::BTreeMap;
use std::path::Path;

use super::folder::Format;
use super::lines::{Count, Fault, Lines, number};
use super::{ImportError, maturity};
use crate::database::Title;
use crate::limits;

/// Reads all titles; of two lines about one title the later one counts.
pub(super) fn read_movies(path: &Path, format: Format) -> Result<(BTreeMap<u32, Title>, Count), ImportError> {
    let mut titles = BTreeMap::new();
    let mut count = Count::default();
    let mut lines = Lines::open(path).map_err(ImportError::unreadable(path))?;
    while let Some((at, line)) = lines.next().map_err(ImportError::unreadable(path))? {
        if at == 1 && line.is_ok_and(|line| format.is_header(line)) {
            continue;
        }
        count.lines += 1;
        match line.and_then(|line| title(line, format)) {
            Ok(title) => drop(titles.insert(title.id, title)),
            Err(fault) => count.bad(path, at, fault),
        }
        if titles.len() > limits::TITLES_MAX {
            return Err(ImportError::TooManyTitles(titles.len()));
        }
    }
    Ok((titles, count))
}

fn title(line: &[u8], format: Format) -> Result<Title, Fault> {
    let text = decode(line);
    let (id, name, genres) = match format {
        Format::MovieLensCsv => fields_csv(&text)?,
        Format::MovieTweetings | Format::MovieLensDat => fields_dat(&text)?,
    };
    let id = number(id.as_bytes()).ok_or(Fault::Title)?;
    let (name, year) = split_year(name.trim());
    let name = if format == Format::MovieTweetings { name.to_owned() } else { article_first(name) };
    let length = name.chars().count();
    if length == 0 || length > limits::NAME_CHARS_MAX || name.contains('\0') {
        return Err(Fault::Name);
    }
    let is_genre = |genre: &&str| {
        !genre.is_empty() && *genre != "(no genres listed)" && genre.len() <= limits::GENRE_BYTES_MAX
    };
    let genres = genres.split('|').map(str::trim).filter(is_genre).filter(|genre| !genre.contains('\0'));
    let genres: Vec<String> = genres.take(limits::GENRES_OF_TITLE_MAX).map(str::to_owned).collect();
    Ok(Title { id, name, year, maturity: maturity(&genres), genres })
}

/// The older MovieLens files are Latin-1; whatever is not UTF-8 is taken for that.
fn decode(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => line.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// `id::name (year)::genres`, to which later versions may add fields; a name may hold `::` itself.
fn fields_dat(text: &str) -> Result<(String, String, String), Fault> {
    let mut fields = text.split("::");
    let id = fields.next().ok_or(Fault::Fields)?;
    let mut name = fields.next().ok_or(Fault::Fields)?.to_owned();
    let rest: Vec<&str> = fields.collect();
    let mut genres_at = 0;
    if split_year(name.trim()).1.is_none() {
        // The name goes on until the year, if any of the fields ends with one.
        let ends_with_year = |field: &&str| split_year(field.trim()).1.is_some();
        if let Some(last) = rest.iter().position(ends_with_year) {
            for field in &rest[..=last] {
                name = format!("{name}::{field}");
            }
            genres_at = last + 1;
        }
    }
    let genres = rest.get(genres_at).copied().unwrap_or_default();
    Ok((id.to_owned(), name, genres.to_owned()))
}

/// `id,name,genres`, quoted where it must be.
fn fields_csv(text: &str) -> Result<(String, String, String), Fault> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let record = reader.records().next().and_then(Result::ok).ok_or(Fault::Fields)?;
    match (record.get(0), record.get(1), record.get(2)) {
        (Some(id), Some(name), Some(genres)) => Ok((id.to_owned(), name.to_owned(), genres.to_owned())),
        _ => Err(Fault::Fields),
    }
}

/// `The Bank (1915)` is `The Bank` of 1915.
fn split_year(name: &str) -> (&str, Option<u16>) {
    let year = || {
        let (rest, year) = name.strip_suffix(')')?.rsplit_once('(')?;
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        Some((rest.trim_end(), year.parse().ok().filter(|year| is_year && *year > 0)?))
    };
    year().map_or((name, None), |(rest, year)| (rest, Some(year)))
}

/// MovieLens sorts names by their first telling word: `Bank, The` is `The Bank`.
fn article_first(name: &str) -> String {
    for article in ["The", "A", "An"] {
        if let Some(rest) = name.strip_suffix(article).and_then(|rest| rest.strip_suffix(", ")) {
            return format!("{article} {rest}");
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, line: &str, expected: (u32, &str, Option<u16>, &[&str])) {
        let title = title(line.as_bytes(), format).unwrap();
        let genres: Vec<&str> = title.genres.iter().map(String::as_str).collect();
        assert_eq!((title.id, title.name.as_str(), title.year, &genres[..]), expected);
    }

    #[test]
    fn reads_the_lines_of_movietweetings() {
        let check = |line, expected| check(Format::MovieTweetings, line, expected);
        check("0004936::The Bank (1915)::Comedy|Short", (4936, "The Bank", Some(1915), &["Comedy", "Short"]));
        check("0004936::The Bank (1915)::", (4936, "The Bank", Some(1915), &[]));
        check("0004936::The Bank (1915)", (4936, "The Bank", Some(1915), &[]));
        check("1::Bank::Comedy", (1, "Bank", None, &["Comedy"]));
        check("1::A:: B (1999)::Comedy::more::fields", (1, "A:: B", Some(1999), &["Comedy"]));
        check("1::2046 (2004)::Drama::http://x (3 of 4)", (1, "2046", Some(2004), &["Drama"]));
    }

    #[test]
    fn reads_the_lines_of_movielens() {
        let check = |line, expected| check(Format::MovieLensCsv, line, expected);
        check(
            "1,Toy Story (1995),Adventure|Animation",
            (1, "Toy Story", Some(1995), &["Adventure", "Animation"]),
        );
        check(
            "11,\"American President, The (1995)\",Drama",
            (11, "The American President", Some(1995), &["Drama"]),
        );
        check("12,\"A \"\"B\"\" (1995)\",(no genres listed)", (12, "A \"B\"", Some(1995), &[]));
    }

    #[test]
    fn text_that_is_not_utf_8_is_latin_1() {
        let title = title(b"1::Caf\xe9 (1950)::Drama", Format::MovieLensDat).unwrap();
        assert_eq!(title.name, "Café");
    }

    #[test]
    fn a_bad_line_is_told_by_its_fault() {
        let check =
            |line: &str, fault| assert_eq!(title(line.as_bytes(), Format::MovieTweetings), Err(fault));
        check("nonsense", Fault::Fields);
        check("x::The Bank (1915)::Comedy", Fault::Title);
        check("4294967296::The Bank (1915)::Comedy", Fault::Title);
        check("-1::The Bank (1915)::Comedy", Fault::Title);
        check("1:: (1915)::Comedy", Fault::Name);
        check(&format!("1::{} (1915)::Comedy", "a".repeat(501)), Fault::Name);
    }
}
