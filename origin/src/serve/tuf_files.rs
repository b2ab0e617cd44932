//! The published repository: files of two flat folders, by their exact names.

use std::os::unix::fs::MetadataExt;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use wire::Refusal;

use super::{Server, answer};

/// `GET /tuf/metadata/{name}`
pub(super) async fn metadata(
    State(server): State<Server>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    // `timestamp.json` says what is new, and a `3.root.json` that is absent today may come tomorrow;
    // all else has its version in its name and never changes.
    let is_versioned = name.as_bytes().first().is_some_and(u8::is_ascii_digit);
    send(&server, "metadata", &name, is_versioned, request).await
}

/// `GET /tuf/targets/{name}`
pub(super) async fn target(
    State(server): State<Server>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    // Consistent snapshots: the digest is part of the name.
    send(&server, "targets", &name, true, request).await
}

async fn send(server: &Server, folder: &str, name: &str, is_immutable: bool, request: Request) -> Response {
    let not_found = || {
        server.metrics.file("not-found");
        let refusal = Refusal::new("not-found", "there is no such file");
        answer::refusal(StatusCode::NOT_FOUND, &refusal)
    };
    if !is_file_name(name) {
        return not_found();
    }
    let path = server.tuf.join(folder).join(name);
    let Ok(metadata) = tokio::fs::symlink_metadata(&path).await else { return not_found() };
    if !metadata.is_file() {
        return not_found();
    }
    // A file is replaced by renaming, so another file has another inode or time.
    let etag = format!(
        "\"{:x}-{:x}-{:x}{:08x}\"",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    );
    let wanted = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = wanted.is_some_and(|wanted| matches_etag(wanted, &etag));
    let mut response = if is_known {
        server.metrics.file("not-modified");
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        server.metrics.file("sent");
        match ServeFile::new(&path).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    };
    let cache = if is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ETAG, HeaderValue::from_str(&etag).expect("hexadecimal digits and quotes"));
    response
}

/// One path segment that cannot lead elsewhere; hidden and half-written files begin with a dot.
fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && !name.starts_with('.') && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_plain)
}

/// What file systems take.
const NAME_BYTES_MAX: usize = 255;

/// `If-None-Match` compares weakly and may list several.
fn matches_etag(wanted: &str, etag: &str) -> bool {
    wanted.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_a_file_name() {
        for name in ["timestamp.json", "3.root.json", "ab12.sha256-ab12", "ab.manifest-1.json"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", ".part", "a/b", "a\\b", "a%2fb", "a\0", &"a".repeat(256)] {
            assert!(!is_file_name(name), "{name}");
        }
    }

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_not() {
        assert!(matches_etag("\"a\"", "\"a\""));
        assert!(matches_etag("\"b\", W/\"a\"", "\"a\""));
        assert!(matches_etag("*", "\"a\""));
        assert!(!matches_etag("\"b\"", "\"a\""));
    }
}
