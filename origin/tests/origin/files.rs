//! The published repository over HTTP: its files, and nothing beside them.

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stage::Stage;

async fn published(name: &str) -> Stage {
    let stage = Stage::new(name).await;
    for (folder, file) in [("metadata", "timestamp.json"), ("metadata", "1.root.json"), ("targets", "ab.c")] {
        let folder = stage.folder.path().join("tuf").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), file).unwrap();
    }
    stage
}

#[tokio::test]
async fn a_file_is_sent_whole_in_part_or_not_again() {
    let stage = published("files_sent").await;
    let url = stage.url("/tuf/metadata/timestamp.json");
    let first = stage.http.get(&url).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["cache-control"], "no-cache");
    let etag = first.headers()["etag"].clone();
    assert_eq!(first.text().await.unwrap(), "timestamp.json");
    let known = stage.http.get(&url).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(known.headers()["etag"], etag);
    // Published anew: another file under the same name.
    let path = stage.folder.path().join("tuf/metadata/timestamp.json");
    std::fs::write(path.with_extension("new"), "other").unwrap();
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    let changed = stage.http.get(&url).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()["etag"], etag);
    let part = stage.http.get(stage.url("/tuf/targets/ab.c")).header("range", "bytes=1-2");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(part.text().await.unwrap(), "b.");
}

#[tokio::test]
async fn nothing_outside_the_two_folders_is_ever_sent() {
    let stage = published("files_outside").await;
    std::fs::write(stage.folder.path().join("secret"), "secret").unwrap();
    let targets = stage.folder.path().join("tuf/targets");
    std::fs::write(targets.join(".part"), "half").unwrap();
    std::os::unix::fs::symlink(stage.folder.path().join("secret"), targets.join("link")).unwrap();
    std::fs::create_dir(targets.join("folder")).unwrap();
    for path in [
        "/tuf/targets/../../secret",
        "/tuf/targets/..%2f..%2fsecret",
        "/tuf/targets/%2e%2e/%2e%2e/secret",
        "/tuf/targets/..%5c..%5csecret",
        "/tuf/targets//etc/passwd",
        "/tuf/targets/.part",
        "/tuf/targets/link",
        "/tuf/targets/folder",
        "/tuf/targets/",
        "/tuf/targets",
        "/tuf/targets/ab.c%00",
        "/tuf/targets/absent",
    ] {
        // Written by hand: a client would tidy the path up first.
        let mut stream = tokio::net::TcpStream::connect(stage.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(answer.contains("\"code\":\"not-found\""), "{path}: {answer}");
    }
}

#[tokio::test]
async fn another_method_is_refused_with_a_code() {
    let stage = published("files_method").await;
    let response = stage.http.delete(stage.url("/tuf/targets/ab.c")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(response.text().await.unwrap().contains("method-not-allowed"));
}

#[tokio::test]
async fn a_server_with_a_database_is_ready() {
    let stage = published("files_ready").await;
    for path in ["/healthz", "/readyz"] {
        let response = stage.http.get(stage.url(path)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    stage.database.close();
    let response = stage.http.get(stage.url("/readyz")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.text().await.unwrap(), r#"{"database":false,"ready":false}"#);
}
