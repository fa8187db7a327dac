//! What keeps the rights that others give up: a process of this program that is asked over pipes,
//! a line for a line, and never sees a packet.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest request in bytes: who asks may have fallen into other hands.
const LONGEST: u64 = 4096;

/// A process that was started before rights were given up. It ends with whoever asks it.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    requests: Option<ChildStdin>,
    /// What it says, until somebody listens.
    answers: Option<Answers>,
}

/// What a [`Broker`] answers.
#[derive(Debug)]
pub struct Answers(BufReader<ChildStdout>);

impl Broker {
    /// Starts this program again, with these arguments, to [`serve`]. To be called before rights
    /// are given up. It does not wait for the other process to be ready.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // The terminal's Ctrl-C and Ctrl-Z are for the one that asks.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        Ok(Self {
            requests: child.stdin.take(),
            answers: child
                .stdout
                .take()
                .map(|output| Answers(BufReader::new(output))),
            child,
        })
    }

    /// Asks for something, in a line.
    ///
    /// # Errors
    /// When it has ended.
    pub fn ask(&mut self, request: &str) -> io::Result<()> {
        let Some(requests) = &mut self.requests else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let written = requests.write_all(format!("{request}\n").as_bytes());
        if written.is_err() {
            self.requests = None;
        }
        written
    }

    /// Where its answers come, for the first that listens.
    pub fn answers(&mut self) -> Option<Answers> {
        self.answers.take()
    }
}

impl Answers {
    /// Waits for the next; `None` when it has ended, or says what can't be understood.
    pub fn wait<A: DeserializeOwned>(&mut self) -> Option<A> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It ends when there are no more requests.
        self.requests = None;
        let _ = self.child.wait();
    }
}

/// The broker's side: answers each line of `requests` with a line of JSON, until they end.
///
/// # Errors
/// When an answer can't be written, or a request is no line of text.
pub fn serve<A: Serialize>(
    requests: impl Read,
    mut answers: impl Write,
    mut answer: impl FnMut(&str) -> A,
) -> io::Result<()> {
    let mut requests = BufReader::new(requests);
    let mut line = String::new();
    loop {
        line.clear();
        (&mut requests).take(LONGEST).read_line(&mut line)?;
        let Some(request) = line.strip_suffix('\n') else {
            return match line.len() as u64 {
                LONGEST => Err(io::ErrorKind::InvalidData.into()),
                _ => Ok(()),
            };
        };
        serde_json::to_writer(&mut answers, &answer(request))?;
        answers.write_all(b"\n")?;
        answers.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(requests: &[u8]) -> (bool, String) {
        let mut answers = Vec::new();
        let served = serve(requests, &mut answers, |request| request.len());
        (served.is_ok(), String::from_utf8(answers).unwrap())
    }

    #[test]
    fn a_line_for_a_line() {
        assert_eq!(served(b""), (true, String::new()));
        assert_eq!(served(b"one\n\nthree\n"), (true, "3\n0\n5\n".to_owned()));
        // Its end was cut off.
        assert_eq!(served(b"one\ntwo"), (true, "3\n".to_owned()));
    }

    #[test]
    fn what_is_no_line_ends_it() {
        assert_eq!(served(b"one\n\xff\ntwo\n"), (false, "3\n".to_owned()));
        let long = vec![b'a'; 1 << 20];
        assert_eq!(served(&long), (false, String::new()));
    }
}
