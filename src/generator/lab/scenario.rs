//! What the lab plays: a path, and what two programs say over it.

use std::time::Duration;

use crate::generator::packet::{MILLI, Nanos};
use crate::generator::path::{
    Blackout, Bottleneck, BurstLoss, Delay, Duplicate, Mark, Path, RandomLoss, Reorder, TailLoss,
    Which,
};
use crate::generator::truth::Leg::{Far, Near};
use crate::generator::truth::Side::{Client, Server};

/// What the programs of both hosts say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Talk {
    /// The client sends so many octets and closes.
    Upload { octets: usize },
    /// The client asks so often, the server answers, in so many octets each.
    Exchange {
        count: usize,
        request: usize,
        response: usize,
        think: Duration,
    },
    /// An upload to a server with a small buffer, which reads nothing for a while.
    SlowReader {
        octets: usize,
        buffer: usize,
        after: usize,
        pause: Duration,
    },
}

/// Something that the lab can play.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, without `lab/`.
    pub name: &'static str,
    /// A line about it.
    pub summary: &'static str,
    /// What it shows.
    pub description: &'static str,
    pub(super) talk: Talk,
    impair: fn(&mut Path),
}

const UPLOAD: Talk = Talk::Upload { octets: 900_000 };

/// One way of the near leg, and of the far leg.
const DELAYS: [Nanos; 2] = [5 * MILLI, 15 * MILLI];
/// Bits per second of the slowest link, and octets that wait before it.
const LINK: (u64, u64) = (20_000_000, 400_000);

/// Every scenario of the lab.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "clean",
        summary: "An upload over a path that loses nothing",
        description: "900,000 bytes from client to server over 40 ms of round trip and 20 Mbit/s, \
            with room for all that waits. Nothing is lost, so nothing should be said to be.",
        talk: UPLOAD,
        impair: |_| {},
    },
    Scenario {
        name: "loss",
        summary: "Data lost by chance before and after the middle, ACKs lost too",
        description: "1 % of the data is lost before the tap in the middle and 1 % after it, and \
            3 % of the ACKs: whether an original passed the tap differs from loss to loss.",
        talk: UPLOAD,
        impair: |path| {
            let loss = |which, per_million| RandomLoss { which, per_million };
            path.add(Client, Near, loss(Which::Data, 10_000));
            path.add(Client, Far, loss(Which::Data, 10_000));
            path.add(Server, Near, loss(Which::Acks, 30_000));
        },
    },
    Scenario {
        name: "burst-loss",
        summary: "Several segments lost in a row, retransmissions among them",
        description: "A Gilbert path after the middle: bursts begin at 0.6 % of the data and end at \
            a quarter of what is lost, so that retransmissions are lost as well, and after 0.7 s \
            at the latest, so that the sender's timer doubles once or twice, not for ever.",
        talk: UPLOAD,
        impair: |path| {
            path.add(
                Client,
                Far,
                BurstLoss::new(Which::Data, 6_000, 250_000).at_most(700 * MILLI),
            );
        },
    },
    Scenario {
        name: "tail-loss",
        summary: "The last segments of answers are lost: tail loss probes",
        description: "16 questions with answers of 9,000 bytes. The last segment of half of the \
            answers is lost after the middle, so that no duplicate ACK tells of it: the server's \
            probe timer does.",
        talk: Talk::Exchange {
            count: 16,
            request: 200,
            response: 9_000,
            think: Duration::from_millis(10),
        },
        impair: |path| {
            let tail = TailLoss {
                per_million: 500_000,
            };
            path.add(Server, Near, tail);
        },
    },
    Scenario {
        name: "blackout",
        summary: "Nothing passes for a second and a half: timeouts with backoff",
        description: "From 0.25 s to 1.75 s nothing of the client's passes the far leg. Its timer \
            doubles with each try; what follows the last is sent again as ACKs allow.",
        talk: UPLOAD,
        impair: |path| {
            let dark = Blackout {
                which: Which::All,
                from: 250 * MILLI,
                until: 1_750 * MILLI,
            };
            path.add_first(Client, Far, dark);
        },
    },
    Scenario {
        name: "ack-loss",
        summary: "A third of the ACKs is lost, no data is",
        description: "Later ACKs stand in for lost ones; where none follow, what was delivered is \
            sent again: spurious retransmissions, reported by DSACK.",
        talk: Talk::Exchange {
            count: 24,
            request: 3_000,
            response: 600,
            think: Duration::from_millis(20),
        },
        impair: |path| {
            for from in [Client, Server] {
                let loss = RandomLoss {
                    which: Which::Acks,
                    per_million: 330_000,
                };
                path.add(from, Far, loss);
            }
        },
    },
    Scenario {
        name: "reorder",
        summary: "Segments overtaken by others, some too late to be waited for",
        description: "2 % of the data is held back 1 to 6 ms before the middle, which is waited for \
            (RACK), and 0.5 % for 40 to 90 ms after it, which is not: retransmissions that were \
            not needed.",
        talk: UPLOAD,
        impair: |path| {
            let hold = |per_million, hold| Reorder {
                which: Which::NewData,
                per_million,
                skip: 20,
                times: u32::MAX,
                hold,
            };
            path.add(Client, Near, hold(20_000, (MILLI, 6 * MILLI)));
            path.add(Client, Far, hold(5_000, (40 * MILLI, 90 * MILLI)));
        },
    },
    Scenario {
        name: "duplicate",
        summary: "The network delivers packets twice",
        description: "2 % of all packets pass the near leg twice, 0.2 ms apart, and 1 % of the data \
            the far leg, 3 ms apart. The receiver reports the data by DSACK, and nothing was sent \
            again.",
        talk: UPLOAD,
        impair: |path| {
            let twice = |which, per_million, after| Duplicate {
                which,
                per_million,
                after,
            };
            path.add(Client, Near, twice(Which::All, 20_000, MILLI / 5));
            path.add(Server, Near, twice(Which::All, 20_000, MILLI / 5));
            path.add(Client, Far, twice(Which::Data, 10_000, 3 * MILLI));
        },
    },
    Scenario {
        name: "slow-reader",
        summary: "A program that stops reading: zero window, window probes",
        description: "The server has a receive buffer of 24,000 bytes, reads 60,000 and then nothing \
            for two seconds. Its window closes, the client's kernel asks with probes whether it has \
            opened, and goes on when it has.",
        talk: Talk::SlowReader {
            octets: 300_000,
            buffer: 24_000,
            after: 60_000,
            pause: Duration::from_secs(2),
        },
        impair: |_| {},
    },
    Scenario {
        name: "queue",
        summary: "A queue that overflows: congestion, and its control",
        description: "A link of 8 Mbit/s with room for 40,000 bytes before it: slow start fills the \
            queue, and what finds it full is lost.",
        talk: UPLOAD,
        impair: |path| {
            path.add_first(Client, Far, Bottleneck::new(8_000_000, 40_000));
        },
    },
    Scenario {
        name: "ecn-mark",
        summary: "Packets marked instead of lost (with --ecn)",
        description: "2 % of the data is marked CE where it is ECN-capable, which takes --ecn: the \
            receiver echoes it, the sender slows down and says so (CWR). Without --ecn it is a \
            clean path.",
        talk: UPLOAD,
        impair: |path| {
            let mark = Mark {
                which: Which::Data,
                per_million: 20_000,
            };
            path.add(Client, Near, mark);
        },
    },
];

impl Scenario {
    /// The path: 40 ms of round trip, 20 Mbit/s each way, and what goes wrong on it.
    pub(super) fn path(&self) -> Path {
        let mut path = Path::default();
        let (rate, room) = LINK;
        path.add(Client, Far, Bottleneck::new(rate, room));
        path.add(Server, Near, Bottleneck::new(rate, room));
        for from in [Client, Server] {
            path.add(from, Near, Delay::new(DELAYS[0]));
            path.add(from, Far, Delay::new(DELAYS[1]));
        }
        (self.impair)(&mut path);
        path
    }
}
