//! Short conversations of small messages, many open at once: TCP, and UDP beside it.

use std::ops::ControlFlow;

use super::agenda::Agenda;
use super::capture::{ACK, Capture, FIN, Host, Options, PSH, SYN, Segment};
use super::ledger::{End, Passage};
use super::noise::{Noise, within};
use super::{MILLISECOND, WINDOW_SCALE, ticks};
use crate::generator::random::Random;
use crate::generator::truth::{HostState, Reason, Side};

/// Conversations open at once.
const MICE_AT_ONCE: u64 = 4_000;
/// UDP conversations for each hundred TCP connections; a tenth of the frames are UDP's then.
const UDP_PER_HUNDRED: u64 = 60;

/// Those of one protocol have 4,096 hosts with the ports from 32,768 on.
pub(super) const MOST: u64 = 100_000_000;

/// How many connections there shall be, and how long.
#[derive(Clone, Copy)]
pub(super) struct Herd {
    /// TCP connections.
    pub(super) connections: u64,
    /// Questions that a client asks, from..to.
    questions: (u64, u64),
}

impl Herd {
    /// As many of the usual length as fill a pcap file of `size` octets.
    pub(super) const fn of_size(size: u64) -> Self {
        Self::of_number(size / 5_000)
    }

    /// So many of the usual length: 5,000 octets each.
    pub(super) const fn of_number(connections: u64) -> Self {
        Self {
            connections,
            questions: (4, 14),
        }
    }

    /// So many, each long enough that all of them fill a pcap file of `size` octets.
    pub(super) const fn of_both(connections: u64, size: u64) -> Self {
        // Records of handshake, close and the datagrams beside it; a question with its answer and
        // its ACK: 66 octets of headers, 16 of pcap, 83 and 147 of payload on average.
        const FIXED: u64 = 1_106;
        const QUESTION: u64 = 462;
        let each = match size.checked_div(connections) {
            Some(each) => each.saturating_sub(FIXED),
            None => 0,
        };
        // Twice the mean, so that the range may have it between two numbers.
        let twice = 2 * each / QUESTION;
        let twice = if twice < 2 { 2 } else { twice };
        let least = if twice < 4 { 1 } else { twice / 4 };
        Self {
            connections,
            questions: (least, twice - least + 1),
        }
    }
}

struct Mouse {
    /// Its number among those of TCP.
    number: u32,
    client: Host,
    server: Host,
    udp: bool,
    key: u64,
    rtt: u64,
    step: u64,
    /// Questions the client will ask.
    questions: u64,
    /// Next sequence numbers: client, server.
    seq: [u32; 2],
    epoch: [u32; 2],
    /// Latest timestamps sent, for the other to echo.
    stamp: [u32; 2],
    /// Next IP identifications.
    id: [u16; 2],
}

/// Writes so many connections, and the datagrams beside them.
pub(super) fn mice(mut random: Random, capture: &mut Capture<'_>, herd: Herd) -> ControlFlow<()> {
    let noise = Noise::new(&mut random);
    let mut left = [herd.connections, herd.connections * UDP_PER_HUNDRED / 100];
    let mut agenda = Agenda::new();
    for slot in 0..MICE_AT_ONCE.min(left[0] + left[1]) {
        if let Some(mouse) = next_mouse(&mut random, &mut left, herd.questions) {
            agenda.add(slot * MILLISECOND / 4, mouse);
        }
    }
    while let Some((now, mut mouse)) = agenda.next() {
        let next = if mouse.udp {
            mouse.exchange_datagram(&mut random, &noise, capture, now)?
        } else {
            mouse.exchange_segment(&mut random, &noise, capture, now)?
        };
        match next {
            Some(next) => agenda.add(next, mouse),
            None => {
                if let Some(mouse) = next_mouse(&mut random, &mut left, herd.questions) {
                    agenda.add(now + random.below(20 * MILLISECOND), mouse);
                }
            }
        }
    }
    ControlFlow::Continue(())
}

/// TCP or UDP, each as likely as there are conversations of it left, so that both end together.
fn next_mouse(random: &mut Random, left: &mut [u64; 2], questions: (u64, u64)) -> Option<Mouse> {
    if left[0] + left[1] == 0 {
        return None;
    }
    let udp = random.below(left[0] + left[1]) >= left[0];
    let number = &mut left[usize::from(udp)];
    *number -= 1;
    // No two conversations of one protocol share an address and a port: 4,096 hosts, each using a port once.
    let (host, port) = ((*number % 4096) as u16, (*number / 4096) as u16);
    // Ports of no protocol: what is measured is TCP and UDP, not a reader's HTTP.
    let server_port = if udp {
        5201
    } else {
        5101 + random.below(4) as u16
    };
    Some(Mouse {
        number: *number as u32,
        client: Host::new([10, 3, (host >> 8) as u8, host as u8], 32_768 + port),
        server: Host::new([10, 4, 0, random.below(200) as u8 + 1], server_port),
        udp,
        key: random.next(),
        rtt: within(random, (MILLISECOND, 60 * MILLISECOND)),
        step: 0,
        questions: if udp {
            within(random, (1, 6))
        } else {
            within(random, questions)
        },
        seq: [random.next() as u32, random.next() as u32],
        epoch: [random.next() as u32, random.next() as u32],
        stamp: [0; 2],
        id: [random.next() as u16, random.next() as u16],
    })
}

impl Mouse {
    /// What becomes of the packet that `side` sends now. The tap is beside the client: what comes from
    /// the server was sent half a round trip before.
    fn passage(&mut self, now: u64, side: Side, state: HostState, end: End) -> Passage {
        let id = &mut self.id[side as usize];
        *id = id.wrapping_add(1);
        let id = *id;
        Passage {
            connection: (!self.udp).then_some(self.number),
            from: side,
            sent: match side {
                Side::Client => now,
                Side::Server => now.saturating_sub(self.rtt / 2),
            },
            id,
            reason: Reason::Plain,
            state,
            end,
        }
    }

    /// The states of client and server at a step, once it is done.
    fn states(&self) -> [HostState; 2] {
        let talk = 3 * self.questions;
        let [client, server] = match self.step {
            0 => [HostState::SynSent, HostState::SynReceived],
            1 => [HostState::Established, HostState::SynReceived],
            step if step < 3 + talk => [HostState::Established; 2],
            step => match step - 3 - talk {
                0 => [HostState::FinWait1, HostState::CloseWait],
                1 => [HostState::FinWait2, HostState::CloseWait],
                2 => [HostState::TimeWait, HostState::LastAck],
                _ => [HostState::TimeWait, HostState::Closed],
            },
        };
        [client, server]
    }

    /// Writes the next datagram; says when the one after it is due, `None` after the last.
    fn exchange_datagram(
        &mut self,
        random: &mut Random,
        noise: &Noise,
        capture: &mut Capture<'_>,
        now: u64,
    ) -> ControlFlow<(), Option<u64>> {
        let question = self.step.is_multiple_of(2);
        let (from, to) = if question {
            (self.client, self.server)
        } else {
            (self.server, self.client)
        };
        let len = if question {
            within(random, (28, 70))
        } else {
            within(random, (44, 200))
        };
        let side = if question { Side::Client } else { Side::Server };
        let state = HostState::Closed;
        let passage = self.passage(now, side, state, End::Arrives(self.rtt / 2, state));
        let payload = noise.stream(self.key, self.step * 512, len);
        let at = capture.udp(now, from, to, payload, &passage)?;
        self.step += 1;
        if self.step == 2 * self.questions {
            return ControlFlow::Continue(None);
        }
        let pause = if question {
            self.rtt
        } else {
            random.below(100 * MILLISECOND)
        };
        ControlFlow::Continue(Some(at + pause))
    }

    /// Writes the next segment: handshake, then question, answer and ACK in turn, then a close in four steps.
    fn exchange_segment(
        &mut self,
        random: &mut Random,
        noise: &Noise,
        capture: &mut Capture<'_>,
        now: u64,
    ) -> ControlFlow<(), Option<u64>> {
        const CLIENT: usize = 0;
        const SERVER: usize = 1;
        let talk = 3 * self.questions;
        let (who, flags, len, pause) = match self.step {
            0 => (CLIENT, SYN, 0, self.rtt),
            1 => (SERVER, SYN | ACK, 0, 20_000),
            2 => (CLIENT, ACK, 0, 50_000),
            step if step < 3 + talk => match (step - 3) % 3 {
                0 => (CLIENT, PSH | ACK, within(random, (16, 150)), self.rtt),
                1 => (SERVER, PSH | ACK, within(random, (16, 250)), 30_000),
                _ => (CLIENT, ACK, 0, random.below(200 * MILLISECOND)),
            },
            step => match step - 3 - talk {
                0 => (CLIENT, FIN | ACK, 0, self.rtt),
                1 => (SERVER, ACK, 0, 40_000),
                2 => (SERVER, FIN | ACK, 0, 30_000),
                _ => (CLIENT, ACK, 0, 0),
            },
        };
        let other = 1 - who;
        let (stamp, echo) = (ticks(now, self.epoch[who]), self.stamp[other]);
        self.stamp[who] = stamp;
        let opening = flags & SYN != 0;
        let header = Segment {
            seq: self.seq[who],
            ack: if flags & ACK == 0 { 0 } else { self.seq[other] },
            flags,
            window: if opening { 64_240 } else { 502 },
            options: if opening {
                Options::syn(WINDOW_SCALE, stamp, echo)
            } else {
                Options::stamped(stamp, echo)
            },
        };
        let hosts = [self.client, self.server];
        let payload = noise.stream(self.key, self.step * 512, len);
        let side = Side::BOTH[who];
        let after = match side {
            Side::Client => self.rtt / 2,
            Side::Server => 0,
        };
        let states = self.states();
        let end = End::Arrives(after, states[other]);
        let passage = self.passage(now, side, states[who], end);
        let at = capture.tcp(now, hosts[who], hosts[other], &header, payload, &passage)?;
        let phantom = u32::from(flags & (SYN | FIN) != 0);
        self.seq[who] = self.seq[who].wrapping_add(len as u32 + phantom);
        self.step += 1;
        ControlFlow::Continue((self.step < 3 + talk + 4).then_some(at + pause))
    }
}
