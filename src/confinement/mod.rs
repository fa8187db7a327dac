//! Giving up rights before the first packet is parsed: what comes from a network or a file is
//! hostile, and a mistake in reading it must gain nothing.
//!
//! In this order, each where the system has it:
//!
//! 1. sockets are opened, with whatever right that needs (not here), and a [`Broker`] is started
//!    for what needs rights later: it is asked for little, and parses no packet
//! 2. [`drop_rights`], where something is captured: capabilities are dropped for good, and root
//!    becomes the user that called sudo (or who is named); without sudo it stays root without a
//!    single capability
//! 3. [`confine`]: Landlock leaves the files and directories that are named, and no new TCP
//!    connection; seccomp no new socket, program or namespace, and no signal but the one that stops
//!    its own job
//!
//! On other systems than Linux nothing of this is done, and [`Confined`] says so.

pub mod broker;
#[cfg(target_os = "linux")]
mod linux;

use std::path::PathBuf;

pub use broker::Broker;

/// What a confined process may still open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Files and directories to read. Those that are not there are passed over.
    pub read: Vec<PathBuf>,
    /// Files and directories to write to: in directories files may be made and removed.
    pub write: Vec<PathBuf>,
    /// Whether the terminal may be opened anew: where it is not standard input, a screen's size and
    /// mode are asked and set through `/dev/tty`; and Ctrl-Z stops the job that it is part of.
    pub terminal: bool,
}

/// What was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confined {
    /// Whether the file system is fenced (Landlock).
    pub files: bool,
    /// Whether system calls are fenced (seccomp).
    pub calls: bool,
}

impl core::fmt::Display for Confined {
    /// What does it, in words.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match (self.files, self.calls) {
            (true, true) => "confined by Landlock and seccomp",
            (true, false) => "confined by Landlock",
            (false, true) => "confined by seccomp",
            (false, false) => "not confined: this system offers neither Landlock nor seccomp",
        })
    }
}

/// Who the process is after [`drop_rights`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// The user that it became; `None` where that stayed as it was.
    pub user: Option<String>,
}

/// Drops all capabilities of this thread, and of those that it starts, for good; and becomes
/// `user`, or if there is none and root called through sudo, whoever did. To be called before any
/// thread is started and after everything is opened that needs rights.
///
/// # Errors
/// When there is no such user, or the kernel refuses: then nothing should be parsed.
pub fn drop_rights(user: Option<&str>) -> std::io::Result<Dropped> {
    #[cfg(target_os = "linux")]
    {
        linux::drop_rights(user)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = user;
        Ok(Dropped::default())
    }
}

/// Confines this thread, and those that it starts, to what it needs. What is open stays open.
/// What the system lacks is left out.
pub fn confine(needs: &Needs) -> Confined {
    #[cfg(target_os = "linux")]
    {
        linux::confine(needs)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = needs;
        Confined::default()
    }
}
