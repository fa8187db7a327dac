//! The system's clock: what tells the time while nothing comes.

use std::time::SystemTime;

use crate::time::Timestamp;

/// The time now; the epoch where the clock stands before it.
#[expect(
    clippy::disallowed_methods,
    reason = "a live source tells the time while nothing comes"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_nanos(since.map_or(0, |since| since.as_nanos() as i64))
}
