//! Ctrl-C as an early end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Ctrl-C (SIGTERM and SIGHUP too): an early end of reading, not of the program. Whoever listens
/// again hears the same.
#[derive(Clone)]
pub(super) struct Interrupt {
    asked: Arc<AtomicBool>,
    /// Set when reading shall stop.
    stop: Arc<AtomicBool>,
}

impl Interrupt {
    /// How long a pipe may still speak after Ctrl-C. Its other end has received Ctrl-C too, and
    /// may have more to say: tcpdump writes what it holds and closes the pipe.
    const LAST_WORDS: Duration = Duration::from_secs(1);

    /// Listens. Where something is piped in, reading goes on for a moment.
    pub(super) fn listen(piped: bool) -> Self {
        static LISTENING: OnceLock<Interrupt> = OnceLock::new();
        LISTENING.get_or_init(|| Self::begin(piped)).clone()
    }

    fn begin(piped: bool) -> Self {
        let interrupt = Self {
            asked: Arc::default(),
            stop: Arc::default(),
        };
        let (asked, stop) = (Arc::clone(&interrupt.asked), Arc::clone(&interrupt.stop));
        // Without a handler Ctrl-C just ends the program.
        let _ = ctrlc::set_handler(move || {
            // A second one ends the program at once, as users expect of one that doesn't answer.
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(super::INTERRUPTED.into());
            }
            if piped {
                let stop = Arc::clone(&stop);
                thread::spawn(move || {
                    thread::sleep(Self::LAST_WORDS);
                    stop.store(true, Ordering::Relaxed);
                });
            } else {
                stop.store(true, Ordering::Relaxed);
            }
        });
        interrupt
    }

    /// What becomes true when reading shall stop.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Whether reading, which has ended, would have gone on without it.
    pub(super) fn cut_short(&self, damaged: bool) -> bool {
        self.stop.load(Ordering::Relaxed) || (damaged && self.asked.load(Ordering::Relaxed))
    }
}
