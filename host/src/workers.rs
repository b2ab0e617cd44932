//! The threads that longer calls into components run on: no more than there are processors.
//!
//! Such calls only compute. More of them at once than processors would make all of them late, and each would touch a
//! copy of its release's images. A thread that has done one call takes the next that waits itself, without a detour
//! through the executor of the requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

/// Threads, and the calls that wait for one.
#[derive(Debug)]
pub struct Workers {
    calls: Sender<Call>,
    // Calls that wait or run, and those that were given up and not looked at since.
    asked: Arc<AtomicUsize>,
    // Work of threads that are not among these.
    elsewhere: Arc<AtomicUsize>,
    threads: usize,
    processors: usize,
}

type Call = Box<dyn FnOnce() + Send>;

/// What came of a call.
#[derive(Debug)]
pub struct Worked<T> {
    /// What it gave.
    pub result: T,
    /// When a thread took it.
    pub started: Instant,
    /// When it was done.
    pub ended: Instant,
}

/// Why a call gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWorked {
    /// No thread was free in time.
    Busy,
    /// It panicked.
    Panicked,
}

impl Workers {
    /// Starts so many threads, one a processor at most; they end when this is dropped. So many calls may wait for one.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(threads_max: usize, waiting_max: usize) -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads_max.min(processors);
        let (calls, waiting) = bounded(waiting_max);
        for number in 0..threads {
            let waiting: Receiver<Call> = waiting.clone();
            std::thread::Builder::new().name(format!("call-{number}")).spawn(move || {
                for call in waiting {
                    call();
                }
            })?;
        }
        Ok(Self { calls, asked: Arc::default(), elsewhere: Arc::default(), threads, processors })
    }

    /// Runs a call on the next thread that is free, if one is within this time. A caller that goes away takes its call
    /// along unless it has begun.
    ///
    /// # Errors
    ///
    /// Says why there is no result.
    pub async fn run<T: Send + 'static>(
        &self,
        within: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Worked<T>, NotWorked> {
        let (answer, mut answered) = oneshot::channel();
        let place = Place::take(&self.asked);
        let is_free = place.number <= self.threads;
        // Set by the thread when it begins, or by the caller when it gives up: by one of them alone.
        let is_taken = Arc::new(AtomicBool::new(false));
        let taken = Arc::clone(&is_taken);
        let waiting: Call = Box::new(move || {
            if answer.is_closed() || taken.swap(true, Ordering::AcqRel) {
                return;
            }
            let started = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(call));
            let ended = Instant::now();
            // Before the answer: whoever has it may ask again at once.
            drop(place);
            // Whoever asked may have gone.
            let _ = answer.send(result.map(|result| Worked { result, started, ended }));
        });
        self.calls.try_send(waiting).map_err(|_| NotWorked::Busy)?;
        let worked = if is_free {
            answered.await
        } else {
            match tokio::time::timeout(within, &mut answered).await {
                Ok(worked) => worked,
                Err(_) if !is_taken.swap(true, Ordering::AcqRel) => return Err(NotWorked::Busy),
                Err(_) => answered.await,
            }
        };
        worked.ok().and_then(Result::ok).ok_or(NotWorked::Panicked)
    }

    /// Works on the caller's thread, for what takes less than a change of threads; it counts as load.
    pub fn here<T>(&self, work: impl FnOnce() -> T) -> T {
        let _place = Place::take(&self.elsewhere);
        work()
    }

    /// Calls that wait or run, and work elsewhere, in thousandths of one a thread and one a processor: as many are done
    /// within a moment.
    pub fn load_permille(&self) -> u32 {
        let asked = self.asked.load(Ordering::Relaxed) + self.elsewhere.load(Ordering::Relaxed);
        u32::try_from(asked.saturating_mul(1_000) / (self.threads + self.processors)).unwrap_or(u32::MAX)
    }
}

/// A call is counted as long as this is kept.
struct Place {
    asked: Arc<AtomicUsize>,
    // One for the first.
    number: usize,
}

impl Place {
    fn take(asked: &Arc<AtomicUsize>) -> Self {
        let before = asked.fetch_add(1, Ordering::Relaxed);
        Self { asked: Arc::clone(asked), number: before + 1 }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;

    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A thread that is busy until `free` is dropped.
    async fn occupied(workers: &Arc<Workers>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<bool>) {
        let ((begin, begun), (free, freed)) = (oneshot::channel(), mpsc::channel::<()>());
        let workers = Arc::clone(workers);
        let occupy = move || {
            begin.send(()).expect("the test waits");
            let _ = freed.recv_timeout(LONG);
        };
        let call = tokio::spawn(async move { workers.run(LONG, occupy).await.is_ok() });
        begun.await.expect("a free thread");
        (free, call)
    }

    #[tokio::test]
    async fn a_call_waits_for_a_thread_as_long_as_it_may_and_no_longer() {
        let workers = Arc::new(Workers::start(1, 8).unwrap());
        assert_eq!(
            workers.run(Duration::ZERO, || 1).await.unwrap().result,
            1,
            "a free thread is not waited for"
        );
        let (free, call) = occupied(&workers).await;
        let one = workers.load_permille();
        assert!((1..=500).contains(&one));
        assert!((2 * one..=1_000).contains(&workers.here(|| workers.load_permille())));
        assert_eq!(workers.run(Duration::from_millis(1), || 2).await.unwrap_err(), NotWorked::Busy);
        let mut waiting = pin!(workers.run(LONG, || 3));
        assert!(timeout(Duration::ZERO, &mut waiting).await.is_err(), "it waits");
        drop(free);
        assert_eq!(waiting.await.unwrap().result, 3);
        assert!(call.await.unwrap());
    }

    #[tokio::test]
    async fn a_call_that_has_begun_is_waited_for_however_long_it_takes() {
        let workers = Arc::new(Workers::start(1, 8).unwrap());
        let within = Duration::from_millis(50);
        loop {
            let (free, _call) = occupied(&workers).await;
            let (end, ended) = mpsc::channel::<()>();
            let mut long = pin!(workers.run(within, move || ended.recv_timeout(LONG).is_err()));
            assert!(timeout(Duration::ZERO, &mut long).await.is_err(), "it waits");
            drop(free);
            match timeout(2 * within, &mut long).await {
                Err(_) => {
                    drop(end);
                    break assert!(long.await.unwrap().result);
                }
                // The machine was too busy to begin it in time.
                Ok(answered) => assert_eq!(answered.unwrap_err(), NotWorked::Busy),
            }
        }
    }

    #[tokio::test]
    async fn more_calls_than_may_wait_are_sent_away_at_once() {
        let workers = Arc::new(Workers::start(1, 1).unwrap());
        let (free, _call) = occupied(&workers).await;
        let mut waiting = pin!(workers.run(LONG, || 1));
        assert!(timeout(Duration::ZERO, &mut waiting).await.is_err(), "it waits");
        assert_eq!(workers.run(LONG, || 2).await.unwrap_err(), NotWorked::Busy);
        drop(free);
        assert_eq!(waiting.await.unwrap().result, 1);
    }

    #[tokio::test]
    async fn who_has_an_answer_finds_a_thread_at_once() {
        let workers = Workers::start(1, 8).unwrap();
        for number in 0..1_000 {
            assert_eq!(workers.run(Duration::ZERO, move || number).await.unwrap().result, number);
        }
    }

    #[tokio::test]
    async fn nothing_is_done_for_a_caller_that_went_away() {
        let workers = Arc::new(Workers::start(1, 8).unwrap());
        let (free, _call) = occupied(&workers).await;
        let (done, was_done) = mpsc::channel();
        let call = workers.run(LONG, move || done.send(()).unwrap());
        assert!(timeout(Duration::ZERO, call).await.is_err(), "it waits");
        drop(free);
        workers.run(LONG, || ()).await.unwrap();
        assert_eq!(was_done.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[tokio::test]
    async fn a_call_that_panics_takes_no_thread_with_it() {
        let workers = Workers::start(1, 8).unwrap();
        for _ in 0..3 {
            let refused = workers.run(LONG, || panic!("a test panics")).await;
            assert_eq!(refused.map(|worked| worked.result).unwrap_err(), NotWorked::Panicked);
        }
        assert_eq!(workers.run(LONG, || 5).await.unwrap().result, 5);
    }
}
