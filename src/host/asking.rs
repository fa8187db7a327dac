//! When the host is asked about its sockets: every second, and soon after a connection has begun,
//! before it is gone.

use std::time::Duration;

use super::Helper;
use crate::time::{Span, Timestamp};

/// How often the host is asked, and how long a new connection waits to be asked about.
const ASK: Span = Span::from_secs(1);
const ASK_OF_NEW: Span = Span::from_millis(20);

/// Asks a [`Helper`] as time goes by.
#[derive(Debug)]
pub struct Asking {
    helper: Helper,
    /// When it was last asked.
    asked: Option<Timestamp>,
    /// Whether there is a connection that it was not asked about.
    is_news: bool,
}

impl Asking {
    /// Asks this one.
    pub fn new(helper: Helper) -> Self {
        Self {
            helper,
            asked: None,
            is_news: false,
        }
    }

    /// A connection has begun.
    pub fn connection_began(&mut self, now: Timestamp) {
        self.is_news = true;
        self.ask(now, ASK_OF_NEW);
    }

    /// Takes an answer that has come, and asks again where that is due. Whether there was one.
    pub fn look(&mut self, now: Timestamp) -> bool {
        let is_answered = self.helper.look();
        self.ask(now, if self.is_news { ASK_OF_NEW } else { ASK });
        is_answered
    }

    /// Asks a last time. Whether there was an answer.
    pub fn last(&mut self) -> bool {
        self.helper.ask();
        self.helper.wait(Duration::from_millis(500))
    }

    /// Who was asked, with the latest answer.
    pub fn helper(&self) -> &Helper {
        &self.helper
    }

    /// Asks, when that was last done so long ago.
    fn ask(&mut self, now: Timestamp, wait: Span) {
        // A clock that was set back must not keep us from asking.
        let is_due = |asked: Timestamp| now - asked >= wait || now < asked;
        if self.asked.is_none_or(is_due) && self.helper.ask() {
            self.asked = Some(now);
            self.is_news = false;
        }
    }
}
