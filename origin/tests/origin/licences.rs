//! Licence windows, releases, channels, and the audit that nobody can rewrite.

use frontrow_origin::database::{LicenceWindow, NewRelease};
use frontrow_origin::import::import_folder;

use crate::stage::{Stage, entry, movietweetings};

async fn with_one_title(name: &str) -> Stage {
    let stage = Stage::new(name).await;
    let folder = movietweetings(
        stage.folder.path(),
        "0004936::The Bank (1915)::Comedy\n",
        "1::0004936::7::1364690142\n",
    );
    import_folder(&stage.database, &folder).await.unwrap();
    stage
}

#[tokio::test]
async fn a_licence_holds_for_its_region_until_it_is_replaced() {
    let stage = with_one_title("licence_replace").await;
    let check = async |window: LicenceWindow| {
        stage.database.set_licence_window(4_936, "us", window).await.unwrap();
        assert_eq!(stage.database.licence_windows("us").await.unwrap().get(&4_936), Some(&window));
        assert!(stage.database.licence_windows("eu").await.unwrap().is_empty());
    };
    check(LicenceWindow { from_s: 0, until_s: 1_577_836_800 }).await;
    check(LicenceWindow { from_s: 1_577_836_800, until_s: u64::MAX }).await;
    check(LicenceWindow::NEVER).await;
    check(LicenceWindow::OPEN).await;
}

#[tokio::test]
async fn a_licence_for_nothing_nowhere_or_backwards_is_refused() {
    let stage = with_one_title("licence_refused").await;
    let code = async |title, region: &str, from_s, until_s| {
        let window = LicenceWindow { from_s, until_s };
        stage.database.set_licence_window(title, region, window).await.unwrap_err().code()
    };
    assert_eq!(code(1, "eu", 0, 5).await, "title-unknown");
    assert_eq!(code(4_936, "mars", 0, 5).await, "region-unknown");
    assert_eq!(code(4_936, "eu", 6, 5).await, "window-reversed");
}

#[tokio::test]
async fn releases_are_numbered_and_channels_point_to_those_that_exist() {
    let stage = Stage::new("releases").await;
    let lock = stage.database.lock_publishing().await.unwrap();
    for expected in 1..=2 {
        let generation = stage.database.next_generation().await.unwrap();
        assert_eq!(generation, expected);
        let release = NewRelease {
            generation,
            parent: (generation > 1).then(|| generation - 1),
            manifest_sha256: "0".repeat(64),
            manifest: format!("{{\"generation\":{generation}}}"),
        };
        stage.database.record_release(&release, Some("stable"), &entry("release-push")).await.unwrap();
    }
    drop(lock);
    let lock_again = stage.database.lock_publishing().await.unwrap();
    drop(lock_again);
    let pointed = async || stage.database.channels().await.unwrap()[0].generation;
    assert_eq!(pointed().await, 2);
    stage.database.set_channel("stable", 1, &entry("rollback")).await.unwrap();
    assert_eq!(pointed().await, 1);
    let error = stage.database.set_channel("stable", 3, &entry("promote")).await.unwrap_err();
    assert_eq!(error.code(), "release-unknown");
    let releases = stage.database.releases().await.unwrap();
    assert_eq!(releases.iter().map(|release| release.generation).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(releases[0].parent, Some(1));
}

#[tokio::test]
async fn the_audit_is_append_only() {
    let stage = Stage::new("audit").await;
    stage.database.append_audit(&entry("first")).await.unwrap();
    for forgery in ["update audit set actor = 'nobody'", "delete from audit", "truncate audit"] {
        let error = stage.client.batch_execute(forgery).await.unwrap_err();
        let message = error.as_db_error().unwrap().message();
        assert_eq!(message, "the audit is append only", "{forgery}");
    }
    assert_eq!(stage.count("select count(*) from audit where action = 'first'").await, 1);
}
