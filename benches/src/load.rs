//! A load generator that costs little: some connections, each with one request under way, kept alive.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::service::Head;

/// Requests under way at once.
pub(crate) const CONNECTIONS: usize = 32;

/// Answers per second of one server; every answer must be a 200.
pub(crate) fn run(server: SocketAddr, time: Duration) -> Result<f64> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let answered = Arc::new(AtomicU64::new(0));
        let started = Instant::now();
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            connections.spawn(converse(server, started + time, Arc::clone(&answered)));
        }
        while let Some(done) = connections.join_next().await {
            done??;
        }
        Ok(answered.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
    })
}

async fn converse(server: SocketAddr, until: Instant, answered: Arc<AtomicU64>) -> Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "POST /v1/bitrate HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut answer = Vec::with_capacity(4_096);
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        loop {
            if let Some(length) = whole(&answer)? {
                ensure!(answer.len() == length, "more than one answer");
                break;
            }
            ensure!(answer.len() < ANSWER_BYTES_MAX, "an endless answer");
            ensure!(stream.read_buf(&mut answer).await? > 0, "the server hung up");
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The length of the answer, once its headers are there and its body, too.
fn whole(answer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = Head::read(answer)? else { return Ok(None) };
    ensure!(head.status == 200, "refused: {}", String::from_utf8_lossy(answer));
    let whole = head.bytes + head.body_bytes;
    Ok((answer.len() >= whole).then_some(whole))
}

/// A player with a history and a half full buffer.
const BODY: &str = r#"{"policy":"bola","samples_kbps":[5200,4800,6100,5900,5500],"buffer_ms":21000}"#;

const ANSWER_BYTES_MAX: usize = 1 << 16;
