//! Ctrl-C and SIGTERM: work ends at its next check, so that what was started is ended too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on both signals are only noted.
pub(crate) fn note() -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let [mut interrupt, mut terminate] = {
        let _inside = runtime.enter();
        let [a, b] = kinds.map(signal);
        [a?, b?]
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        });
        ASKED.store(true, Ordering::Relaxed);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).context("a thread for signals")?;
    Ok(())
}

/// Whether the end was asked for.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// An error once the end was asked for.
pub(crate) fn check() -> Result<()> {
    ensure!(!is_asked(), "interrupted");
    Ok(())
}
