//! Imports: whole or not at all, and the same when done twice.

use frontrow_origin::database::{Day, LicenceWindow, Moment, WatchEvent};
use frontrow_origin::generated::{Plan, generate};
use frontrow_origin::import::{Catalogue, Chunk, Fault, ImportError, Watched, import_folder, load};
use tokio::sync::mpsc;

use crate::stage::{Stage, movietweetings};

const MOVIES: &str = "\
0004936::The Bank (1915)::Comedy|Short
0081505::The Shining (1980)::Horror|Mystery
nonsense
0110357::The Lion King (1994)::Animation|Family::a later field
";

const RATINGS: &str = "\
1::0004936::7::1364690142
1::0081505::9::1364776542
2::0081505::8::1364776543
2::0000001::8::1364776544
2::0081505::11::1364776545
3::0110357::10::1364862942::a later field
";

#[tokio::test]
async fn a_folder_imported_twice_is_stored_once() {
    let stage = Stage::new("import_twice").await;
    let folder = movietweetings(stage.folder.path(), MOVIES, RATINGS);
    let first = import_folder(&stage.database, &folder).await.unwrap();
    assert_eq!((first.imported.titles, first.imported.viewers), (3, 3));
    assert_eq!((first.imported.events, first.imported.events_new), (4, 4));
    assert_eq!(first.imported.partitions, 3);
    let second = import_folder(&stage.database, &folder).await.unwrap();
    assert_eq!((second.imported.events, second.imported.events_new), (4, 0));
    assert_eq!(second.imported.partitions, 0);
    let events = stage.database.watch_events().await.unwrap();
    let event = |at_unix_s, viewer, title| WatchEvent { at_unix_s, viewer, title };
    let expected = [
        event(1_364_690_142, 1, 4_936),
        event(1_364_776_542, 1, 81_505),
        event(1_364_776_543, 2, 81_505),
        event(1_364_862_942, 3, 110_357),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn bad_lines_are_counted_and_told_with_their_numbers() {
    let stage = Stage::new("import_bad_lines").await;
    let folder = movietweetings(stage.folder.path(), MOVIES, RATINGS);
    let reading = import_folder(&stage.database, &folder).await.unwrap();
    assert_eq!((reading.movies.lines, reading.movies.bad), (4, 1));
    assert_eq!(reading.movies.first_bad[0].to_string(), "movies.dat:3: fields are missing");
    assert_eq!((reading.ratings.lines, reading.ratings.bad), (6, 2));
    let faults: Vec<(u64, Fault)> =
        reading.ratings.first_bad.iter().map(|bad| (bad.line, bad.fault)).collect();
    assert_eq!(faults, [(4, Fault::TitleUnknown), (5, Fault::Rating)]);
}

#[tokio::test]
async fn titles_get_an_age_and_are_licensed_everywhere() {
    let stage = Stage::new("import_titles").await;
    let folder = movietweetings(stage.folder.path(), MOVIES, RATINGS);
    import_folder(&stage.database, &folder).await.unwrap();
    let titles = stage.database.titles().await.unwrap();
    let told: Vec<(u32, &str, Option<u16>, u8)> =
        titles.iter().map(|title| (title.id, title.name.as_str(), title.year, title.maturity)).collect();
    let expected = [
        (4_936, "The Bank", Some(1915), 6),
        (81_505, "The Shining", Some(1980), 16),
        (110_357, "The Lion King", Some(1994), 0),
    ];
    assert_eq!(told, expected);
    assert_eq!(stage.database.regions().await.unwrap(), ["eu", "us"]);
    assert!(stage.database.licence_windows("eu").await.unwrap().is_empty());
    let viewers = stage.database.viewer_regions().await.unwrap();
    assert_eq!(viewers.iter().map(|(viewer, _)| *viewer).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(LicenceWindow::OPEN.from_s, 0);
}

#[tokio::test]
async fn an_age_that_the_operator_has_set_outlives_another_import() {
    let stage = Stage::new("import_maturity").await;
    let folder = movietweetings(stage.folder.path(), MOVIES, RATINGS);
    import_folder(&stage.database, &folder).await.unwrap();
    stage.client.execute("update titles set maturity = 18 where title = 4936", &[]).await.unwrap();
    import_folder(&stage.database, &folder).await.unwrap();
    assert_eq!(stage.database.titles().await.unwrap()[0].maturity, 18);
}

#[tokio::test]
async fn another_source_is_refused_and_changes_nothing() {
    let stage = Stage::new("import_other").await;
    let folder = movietweetings(stage.folder.path(), MOVIES, RATINGS);
    import_folder(&stage.database, &folder).await.unwrap();
    let movielens = stage.folder.path().join("movielens");
    std::fs::create_dir(&movielens).unwrap();
    std::fs::write(movielens.join("movies.csv"), "movieId,title,genres\n1,Toy Story (1995),Comedy\n")
        .unwrap();
    std::fs::write(movielens.join("ratings.csv"), "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
        .unwrap();
    let error = import_folder(&stage.database, &movielens).await.unwrap_err();
    assert_eq!(error.code(), "import-other-catalogue");
    assert_eq!(stage.database.titles().await.unwrap().len(), 3);
    assert_eq!(stage.database.watch_events().await.unwrap().len(), 4);
}

#[tokio::test]
async fn movielens_is_read_from_csv_and_from_dat() {
    let stage = Stage::new("import_movielens").await;
    let csv = stage.folder.path().join("csv");
    std::fs::create_dir(&csv).unwrap();
    let movies = "movieId,title,genres\r\n11,\"American President, The (1995)\",Drama|Romance\r\n";
    std::fs::write(csv.join("movies.csv"), movies).unwrap();
    std::fs::write(csv.join("ratings.csv"), "userId,movieId,rating,timestamp\r\n1,11,4.5,964982703\r\n")
        .unwrap();
    let reading = import_folder(&stage.database, &csv).await.unwrap();
    assert_eq!((reading.imported.titles, reading.imported.events_new, reading.ratings.bad), (1, 1, 0));
    let dat = stage.folder.path().join("dat");
    std::fs::create_dir(&dat).unwrap();
    std::fs::write(dat.join("movies.dat"), b"1251::8\xbd (1963)::Drama\n").unwrap();
    std::fs::write(dat.join("ratings.dat"), "1::1251::5::978300760\n").unwrap();
    import_folder(&stage.database, &dat).await.unwrap();
    let names: Vec<String> =
        stage.database.titles().await.unwrap().into_iter().map(|title| title.name).collect();
    assert_eq!(names, ["The American President", "8½"]);
}

#[tokio::test]
async fn a_file_without_a_sound_line_is_refused_and_leaves_nothing() {
    let stage = Stage::new("import_unsound").await;
    let folder = movietweetings(stage.folder.path(), MOVIES, "a\nb\nc\n");
    let error = import_folder(&stage.database, &folder).await.unwrap_err();
    assert_eq!(error.code(), "import-nothing-sound");
    assert!(error.to_string().contains("ratings.dat:1: fields are missing"), "{error}");
    assert!(stage.database.titles().await.unwrap().is_empty());
    let error = import_folder(&stage.database, stage.folder.path()).await.unwrap_err();
    assert_eq!(error.code(), "import-format-unknown");
}

#[tokio::test]
async fn a_history_that_breaks_off_leaves_nothing() {
    let stage = Stage::new("import_broken_off").await;
    let generated = generate(Plan { titles: 20, viewers: 5, seed: 1 });
    let catalogue = Catalogue { source: "test".to_owned(), titles: generated.titles };
    let (sender, receiver) = mpsc::channel(1);
    let reader = async move {
        sender.send(Chunk::Events(generated.events)).await.unwrap();
    };
    let ((), loaded) = tokio::join!(reader, load(&stage.database, catalogue, receiver));
    assert!(matches!(loaded, Err(ImportError::BrokenOff)));
    assert!(stage.database.titles().await.unwrap().is_empty());
    assert!(stage.database.watch_events().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_history_of_many_years_gets_a_partition_a_month() {
    let stage = Stage::new("import_years").await;
    let generated = generate(Plan { titles: 20, viewers: 1, seed: 1 });
    let catalogue = Catalogue { source: "test".to_owned(), titles: generated.titles };
    // A view on each of 1,000 days from 2000-01-01 on.
    let view =
        |day: u64| Watched { viewer: 1, title: 1, at_unix_s: 946_684_800 + day * 86_400, rating: None };
    let (sender, receiver) = mpsc::channel(1);
    let reader = async move {
        sender.send(Chunk::Events((0..1_000).map(view).collect())).await.unwrap();
        sender.send(Chunk::End).await.unwrap();
    };
    let ((), loaded) = tokio::join!(reader, load(&stage.database, catalogue, receiver));
    let imported = loaded.unwrap();
    assert_eq!((imported.events_new, imported.partitions), (1_000, 33));
    let name: String = stage
        .client
        .query_one("select tableoid::regclass::text from watch_events where at = '2000-02-29'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(name, "watch_events_20000201_20000301");
    assert!(Day::of(Moment::from_unix_s(0)) < Day::of(Moment::now()));
}
