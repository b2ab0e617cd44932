//! The flagship's settings as text: the file that ships with the crate is also the file that is read.

use std::fmt::Write;
use std::path::Path;

use bitrate::{SETTINGS_LEN, Settings};

use crate::error::{InputError, Result};
use crate::files;

/// The fields in their order, and how many numbers each has.
const FIELDS: [(&str, usize); 23] = [
    ("half_lives_s", 4),
    ("trusts", 4),
    ("sharpness", 1),
    ("error_half_life", 1),
    ("error_prior", 1),
    ("error_prior_samples", 1),
    ("bias", 1),
    ("step_min", 1),
    ("step_per_error", 1),
    ("step_max", 1),
    ("odds", 5),
    ("persistence", 1),
    ("learnt", 1),
    ("learnt_per_error", 1),
    ("after", 1),
    ("later", 1),
    ("drift", 1),
    ("caution", 1),
    ("reserve", 1),
    ("impatience", 1),
    ("calm", 1),
    ("outage", 1),
    ("outage_s", 1),
];

/// Reads `field: number,` or `field: [numbers],` a line; other lines are not read, every field must be there.
pub(crate) fn read(file: &Path) -> Result<Settings> {
    let text = files::text(file)?;
    let mut values = Vec::new();
    for (field, count) in FIELDS {
        let missing = || InputError::file(file, &format!("no line `{field}: …` with {count} numbers"));
        let found = text.lines().find_map(|line| line.trim().strip_prefix(field)?.strip_prefix(':'));
        let numbers = found.ok_or_else(missing)?.trim().trim_end_matches(',');
        let numbers = numbers.trim_start_matches('[').trim_end_matches(']').split(',');
        let numbers =
            numbers.map(|number| number.trim().parse::<f64>()).collect::<std::result::Result<Vec<_>, _>>();
        values.extend(numbers.ok().filter(|numbers| numbers.len() == count).ok_or_else(missing)?);
    }
    let values: [f64; SETTINGS_LEN] =
        values.try_into().expect("the fields have as many numbers as the settings");
    Settings::from_values(values).map_err(|error| InputError::file(file, &error.to_string()))
}

/// The source file of the crate that holds these settings.
pub(crate) fn source(settings: &Settings, command: &str) -> String {
    let mut out = format!(
        "//! The settings of the flagship that ship. Made by a command, not by hand:\n//! {command}.\n\n"
    );
    out.push_str("use crate::{Perceptron, Settings};\n\npub(crate) const SETTINGS: Settings = Settings {\n");
    let values = settings.values();
    let mut rest = &values[..];
    for (field, count) in FIELDS {
        let (numbers, others) = rest.split_at(count);
        rest = others;
        let numbers: Vec<String> = numbers.iter().map(|number| format!("{number:?}")).collect();
        let _ = match count {
            1 => writeln!(out, "    {field}: {},", numbers[0]),
            _ => writeln!(out, "    {field}: [{}],", numbers.join(", ")),
        };
    }
    out.push_str("    perceptron: Perceptron::SHIPPED,\n};\n");
    out
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bitrate::Settings;

    use super::{read, source};

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shipped.rs");
        fs::write(&file, source(&Settings::SHIPPED, "fit")).unwrap();
        assert_eq!(read(&file).unwrap(), Settings::SHIPPED);
    }

    #[test]
    fn a_missing_field_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shipped.rs");
        fs::write(&file, source(&Settings::SHIPPED, "fit").replace("caution", "courage")).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("caution"));
    }
}
