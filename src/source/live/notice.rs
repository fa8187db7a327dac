//! What becomes of interfaces while they are captured.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that happened to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It went down; frames come again when it is up.
    Down(String),
    /// It was down from the beginning.
    Waits(String),
    /// It is up.
    Up(String),
    /// It was removed; frames come again when there is one of that name.
    Gone(String),
    /// There is one of that name again.
    Back(String),
    /// There is one of that name again that can't be captured, and why.
    Refused(String, String),
}

impl core::fmt::Display for Notice {
    /// A sentence; the name is as the kernel has it, not to be printed unescaped.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Down(name) => write!(f, "{name} went down; waiting for it"),
            Self::Waits(name) => write!(f, "{name} is down; waiting for it"),
            Self::Up(name) => write!(f, "{name} is up"),
            Self::Gone(name) => write!(f, "{name} was removed; waiting for one of that name"),
            Self::Back(name) => write!(f, "{name} is there again"),
            Self::Refused(name, why) => write!(f, "{name} is there again, but {why}"),
        }
    }
}

/// Notices that are kept at most; an interface that flaps while nobody looks is told of once more.
const MOST: usize = 256;

/// Notices that nobody has taken yet, shared between the source and who looks at them.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<VecDeque<Notice>>>);

impl Notices {
    /// Takes the oldest.
    pub fn take(&self) -> Option<Notice> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code))]
    pub(super) fn put(&self, notice: Notice) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.push_back(notice);
        }
    }
}
