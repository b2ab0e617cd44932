//! Asks a node, and waits for what takes time.

use std::future::Future;
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

/// Longer than anything here takes on a busy machine; only ends a wait for something that will not come.
const DEADLINE: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.bytes))
        })
    }

    /// The status and the code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let code = self.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

pub(crate) async fn post(url: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    send(client().post(url).header(CONTENT_TYPE, content_type).body(body.into())).await
}

pub(crate) async fn get(url: &str) -> Answer {
    send(client().get(url)).await
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, bytes: response.bytes().await.expect("a whole answer").to_vec() }
}

pub(crate) fn client() -> Client {
    provide_cryptography();
    let plain = "http://localhost/".parse().expect("an address");
    frontrow_edge::sync::client(&plain).expect("a client")
}

/// As `main` does for the process.
pub(crate) fn provide_cryptography() {
    // The second test of this process finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Asks again and again until there is an answer.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < DEADLINE, "waited too long for {what}");
        // Gives way to the server under test, which often runs on the same thread.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
