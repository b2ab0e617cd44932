//! The age a title is meant for, where the source tells genres only.

/// Ages by genre, in years; the highest of a title's genres counts.
///
/// A rule of thumb in the spirit of European film boards, not a rating: it exists so that the
/// filter has something to work on. Operators with real ratings put them into `titles.maturity`.
const AGES: &[(&str, u8)] = &[
    ("Adult", 18),
    ("Horror", 16),
    ("Thriller", 16),
    ("Action", 12),
    ("Crime", 12),
    ("Film-Noir", 12),
    ("Mystery", 12),
    ("War", 12),
    ("Western", 12),
    ("Animation", 0),
    ("Children", 0),
    ("Children's", 0),
    ("Family", 0),
    ("Documentary", 0),
    ("Music", 0),
    ("Musical", 0),
    ("News", 0),
    ("Sport", 0),
];

/// A genre that is not listed.
const AGE_OTHERWISE: u8 = 6;

/// A title of which nothing is known is not shown to children.
const AGE_UNKNOWN: u8 = 12;

/// The youngest age, in years, that a title of these genres is meant for.
pub fn maturity(genres: &[impl AsRef<str>]) -> u8 {
    let age =
        |genre: &str| AGES.iter().find(|(name, _)| *name == genre).map_or(AGE_OTHERWISE, |(_, age)| *age);
    genres.iter().map(|genre| age(genre.as_ref())).max().unwrap_or(AGE_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_genre_decides() {
        let check = |genres: &[&str], age| assert_eq!(maturity(genres), age, "{genres:?}");
        check(&["Animation", "Family"], 0);
        check(&["Comedy", "Family"], 6);
        check(&["Action", "Comedy"], 12);
        check(&["Horror", "Animation"], 16);
        check(&["Adult", "Horror"], 18);
        check(&[], 12);
    }
}
