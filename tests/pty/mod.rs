//! `tcplens` on a terminal of its own, and a user before it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of a test's own, removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("tcplens-test-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program on a terminal.
pub(crate) struct OnScreen {
    pub(crate) child: Child,
    keys: fs::File,
    bytes: mpsc::Receiver<Vec<u8>>,
    pub(crate) terminal: vt100::Parser,
}

impl OnScreen {
    /// Starts it as a job of its own, as a shell would. `tcplens` keeps in `folder` what it
    /// remembers.
    pub(crate) fn run(mut command: Command, folder: &Path) -> Self {
        let size = nix::pty::Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = nix::pty::openpty(&size, None).expect("a terminal");
        let end = || Stdio::from(pty.slave.try_clone().expect("its other end"));
        let child = command
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env("XDG_STATE_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .env_remove("NO_COLOR")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .process_group(0)
            .spawn()
            .expect("the program starts");
        drop(pty.slave);
        // It holds the other end too.
        drop(command);
        let mut output = fs::File::from(pty.master.try_clone().expect("the terminal"));
        let (sender, bytes) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal without its other end is an error.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keys: fs::File::from(pty.master),
            bytes,
            terminal: vt100::Parser::new(size.ws_row, size.ws_col, 0),
        }
    }

    pub(crate) fn shows(&self) -> String {
        self.terminal.screen().contents()
    }

    #[track_caller]
    pub(crate) fn waits_for(&mut self, words: &str) -> &mut Self {
        const QUIET: Duration = Duration::from_millis(100);
        let mut patience = PATIENCE;
        while !self.shows().contains(words) {
            match self.bytes.recv_timeout(QUIET) {
                Ok(bytes) => self.terminal.process(&bytes),
                Err(_) => patience = patience.saturating_sub(QUIET),
            }
            assert!(
                !patience.is_zero(),
                "{words:?} does not come\n{}",
                self.shows()
            );
        }
        self
    }

    pub(crate) fn presses(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self
    }

    /// Takes in what is still said, until nothing comes.
    pub(crate) fn hears_out(&mut self) {
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(200)) {
            self.terminal.process(&bytes);
        }
    }
}

impl Drop for OnScreen {
    fn drop(&mut self) {
        // Where a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds, which takes no time that is known.
#[track_caller]
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..300 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("waited for: {what}");
}
