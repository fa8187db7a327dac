//! What the user of a host does: a list of acts, each begun when the one before is done.

use super::Host;
use crate::generator::packet::{MILLI, Nanos, octet};
use crate::generator::truth::journal::ResetReason;
use crate::generator::truth::{HostState, Reason, Side};
use crate::wire::Flags;

/// Something that the user of a host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Opens: sends a SYN. What follows waits until the connection is established, but for a
    /// write with Fast Open.
    Connect,
    /// Sends a SYN and is never heard of again: a forged address.
    Knock,
    /// Waits until a peer has connected.
    Accept,
    /// Writes so many octets.
    Write(i64),
    /// Writes these.
    Say(&'static [u8]),
    /// Does nothing for so long.
    Pause(Nanos),
    /// Waits until so many octets have been received in all.
    Await(i64),
    /// Waits until all that was written is acknowledged.
    AwaitAcked,
    /// Waits for the peer's FIN.
    AwaitEnd,
    /// Reads from now on like this.
    Read(Reader),
    /// Has written all it will (a FIN goes out), and reads on.
    Shutdown,
    /// Closes: a FIN, and what comes later is reset. With unread octets a RST at once.
    Close,
    /// Closes with SO_LINGER 0: a RST.
    Abort,
    /// TCP_NODELAY.
    NoDelay,
    /// The host is gone without a word (a crash): it answers with resets from now on.
    Crash,
    /// The host is gone without a word and stays silent.
    Vanish,
}

/// How fast a user reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// All at once.
    AtOnce,
    /// Not at all.
    Stopped,
    /// So many octets every 10 ms.
    Slowly(i64),
}

#[derive(Debug)]
pub(super) struct Program {
    acts: Vec<Act>,
    at: usize,
    /// Since when the act waits.
    since: Option<Nanos>,
    pub(super) reader: Reader,
    /// When a slow reader reads next.
    reads_at: Option<Nanos>,
    /// Octets that do not fit into the send buffer yet.
    waiting: i64,
    /// What was said, and at which position of the stream.
    said: Vec<(i64, &'static [u8])>,
    pub(super) silent: bool,
}

impl Program {
    pub(super) const fn new(acts: Vec<Act>) -> Self {
        Self {
            acts,
            at: 0,
            since: None,
            reader: Reader::AtOnce,
            reads_at: None,
            waiting: 0,
            said: Vec::new(),
            silent: false,
        }
    }

    /// What a segment's payload says, where its user said something: position and length.
    pub(super) fn words(&self, side: Side, (start, len): (i64, u32)) -> Option<Vec<u8>> {
        if self.said.is_empty() || len == 0 {
            return None;
        }
        let at = |position: i64| {
            let said = self.said.iter().find_map(|&(from, words)| {
                let within = usize::try_from(position - from).ok()?;
                words.get(within).copied()
            });
            said.unwrap_or_else(|| octet(position, side, false))
        };
        Some((start..start + i64::from(len)).map(at).collect())
    }
}

impl Host {
    /// Does what can be done by now.
    pub(super) fn run_program(&mut self) {
        self.read();
        // Each turn ends an act, or leaves.
        while let Some(&act) = self.program.acts.get(self.program.at) {
            if !self.act(act) {
                break;
            }
            self.program.at += 1;
            self.program.since = None;
        }
        self.output();
    }

    /// Does an act; false while it waits.
    fn act(&mut self, act: Act) -> bool {
        let open = !matches!(
            self.state,
            HostState::Closed | HostState::Listen | HostState::SynSent | HostState::SynReceived
        );
        match act {
            Act::Connect => {
                if self.program.since.is_none() {
                    self.program.since = Some(self.now);
                    let next = self.program.acts.get(self.program.at + 1);
                    if let (true, Some(&Act::Write(octets))) = (self.habits.fast_open, next) {
                        self.send.written += octets;
                        // It is written; what is left to do is to send it.
                        if let Some(next) = self.program.acts.get_mut(self.program.at + 1) {
                            *next = Act::Write(0);
                        }
                    }
                    self.send_syn(Reason::Plain);
                }
                open
            }
            Act::Knock => {
                self.send_syn(Reason::Plain);
                self.end(HostState::SynSent);
                self.program.silent = true;
                true
            }
            Act::Accept => open || (self.habits.fast_open && self.receive.next > 1),
            Act::Write(octets) => self.write(octets),
            Act::Say(words) => {
                if self.program.since.is_none() {
                    self.program.said.push((self.send.written, words));
                }
                self.write(words.len() as i64)
            }
            Act::Pause(length) => {
                let since = *self.program.since.get_or_insert(self.now);
                let until = since + length;
                if self.now < until {
                    self.wake_user(until);
                }
                self.now >= until
            }
            Act::Await(octets) => self.receive.next > octets,
            Act::AwaitAcked => self.send.una >= self.send.written,
            Act::AwaitEnd => {
                let ended = self.receive.fin.is_some_and(|fin| self.receive.next > fin);
                ended || self.state == HostState::Closed
            }
            Act::Read(reader) => {
                self.program.reader = reader;
                self.read();
                true
            }
            Act::Shutdown => {
                self.close();
                true
            }
            Act::Close => {
                let unread = self.receive.next - self.receive.read;
                self.receive.gone = true;
                if unread > 0 && open {
                    self.reset(ResetReason::Aborted);
                } else {
                    self.close();
                }
                true
            }
            Act::Abort => {
                self.reset(ResetReason::Aborted);
                true
            }
            Act::NoDelay => {
                self.habits.nagle = false;
                true
            }
            Act::Crash => {
                self.end(HostState::Closed);
                self.receive.isn = None;
                true
            }
            Act::Vanish => {
                self.end(self.state);
                self.program.silent = true;
                true
            }
        }
    }

    /// Writes what the send buffer has room for; false while some waits.
    fn write(&mut self, octets: i64) -> bool {
        if self.program.since.is_none() {
            self.program.since = Some(self.now);
            self.program.waiting = octets;
        }
        let room = self.habits.send_buffer - (self.send.written - self.send.una);
        let now = self.program.waiting.min(room.max(0));
        self.send.written += now;
        self.program.waiting -= now;
        self.output();
        self.program.waiting == 0
    }

    /// What its user wanted and did not come to pass.
    #[cfg(test)]
    pub(in crate::generator) fn left(&self) -> Option<String> {
        if let Some(act) = self.program.acts.get(self.program.at) {
            return Some(format!("waits in {act:?}"));
        }
        let silent = self.send.written - self.send.una;
        (silent > 0).then(|| format!("{silent} octets not acknowledged, {:?}", self.state))
    }

    /// Whether the host answers nothing any more.
    pub(super) fn is_silent(&self) -> bool {
        self.program.silent
    }

    fn wake_user(&mut self, at: Nanos) {
        let at = self.timers.user.map_or(at, |other| other.min(at));
        self.timers.user = Some(at);
    }

    fn close(&mut self) {
        if !self.send.closed {
            self.send.closed = true;
            self.output();
        }
    }

    /// Sends a RST and forgets the connection.
    pub(super) fn reset(&mut self, why: ResetReason) {
        if self.state == HostState::Closed {
            return;
        }
        self.end(HostState::Closed);
        let at = self.send.next;
        self.emit(Flags::RST | Flags::ACK, at, (at, 0), Reason::Reset(why));
    }

    /// Takes out of the buffer what the user reads, and tells the peer when that opened the window.
    pub(super) fn read(&mut self) {
        // A FIN is not read.
        let end = self.receive.next
            - i64::from(self.receive.fin.is_some_and(|fin| self.receive.next > fin));
        let unread = end - self.receive.read;
        match self.program.reader {
            Reader::Stopped => {}
            Reader::AtOnce => self.receive.read = self.receive.read.max(end),
            Reader::Slowly(octets) => {
                if self.program.reads_at.is_some_and(|at| at <= self.now) {
                    self.receive.read += unread.min(octets);
                    self.program.reads_at = None;
                }
                if end > self.receive.read {
                    let at = self.now + 10 * MILLI;
                    let at = *self.program.reads_at.get_or_insert(at);
                    self.wake_user(at);
                }
            }
        }
        self.tell_window();
    }
}
