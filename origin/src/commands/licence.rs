//! `licence`: when and where a title may be shown.

use jiff::Timestamp;

use crate::cli::LicenceCommand;
use crate::context::Context;
use crate::database::{AuditEntry, LicenceWindow};
use crate::error::OriginError;

pub(super) async fn run(context: &Context, command: &LicenceCommand) -> Result<String, OriginError> {
    let database = context.database().await?;
    let (title, region, window) = match command {
        LicenceCommand::Set { title, region, from, until } => {
            let from_s = from.map_or(LicenceWindow::OPEN.from_s, unix_s);
            let until_s = until.map_or(LicenceWindow::OPEN.until_s, unix_s);
            (*title, region, LicenceWindow { from_s, until_s })
        }
        LicenceCommand::Block { title, region } => (*title, region, LicenceWindow::NEVER),
    };
    database.set_licence_window(title, region, window).await?;
    let entry = AuditEntry {
        actor: context.actor(),
        action: "licence-set".to_owned(),
        subject: format!("title {title} in {region}"),
        detail: serde_json::json!({"from_s": window.from_s, "until_s": window.until_s}),
    };
    database.append_audit(&entry).await?;
    Ok(format!("title {title} in {region}: {}, from the next release on", told(window)))
}

/// A time before 1970 is the beginning of all.
fn unix_s(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}

fn told(window: LicenceWindow) -> String {
    let date = |unix_s: u64| {
        let second = i64::try_from(unix_s).unwrap_or(i64::MAX);
        Timestamp::from_second(second).map_or_else(|_| unix_s.to_string(), |at| at.to_string())
    };
    match (window.from_s, window.until_s) {
        (from, until) if from == until => "never".to_owned(),
        (0, u64::MAX) => "always".to_owned(),
        (0, until) => format!("until {}", date(until)),
        (from, u64::MAX) => format!("from {}", date(from)),
        (from, until) => format!("from {} until {}", date(from), date(until)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_told_by_its_ends() {
        let check = |from_s, until_s, expected: &str| {
            assert_eq!(told(LicenceWindow { from_s, until_s }), expected);
        };
        check(0, u64::MAX, "always");
        check(0, 0, "never");
        check(0, 1_577_836_800, "until 2020-01-01T00:00:00Z");
        check(1_577_836_800, u64::MAX, "from 2020-01-01T00:00:00Z");
        check(1_577_836_800, 1_577_923_200, "from 2020-01-01T00:00:00Z until 2020-01-02T00:00:00Z");
    }
}
