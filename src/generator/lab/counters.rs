//! What a kernel counts: all of it, and what it tells of a retransmission right after it has left.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use crate::generator::truth::Header;
use crate::generator::truth::journal::Trigger;
use crate::wire::Flags;

/// The counters of one network namespace, read again and again.
#[derive(Debug)]
pub(super) struct Counters {
    files: [File; 2],
}

impl Counters {
    /// Those of the namespace of this thread; from then on whichever thread reads them.
    pub(super) fn open() -> io::Result<Self> {
        let open = |name: &str| File::open(format!("/proc/thread-self/net/{name}"));
        Ok(Self {
            files: [open("snmp")?, open("netstat")?],
        })
    }

    /// All of them by their names, such as `TcpRetransSegs` and `TcpExtTCPTimeouts`.
    pub(super) fn all(&self) -> io::Result<BTreeMap<String, i64>> {
        let mut all = BTreeMap::new();
        for file in &self.files {
            let text = whole(file)?;
            each(&text, |group, name, value| {
                all.insert(format!("{group}{name}"), value);
            });
        }
        Ok(all)
    }

    fn of_retransmissions(&self) -> io::Result<Counted> {
        let mut counted = Counted::default();
        for file in &self.files {
            let text = whole(file)?;
            each(&text, |_, name, value| {
                let value = value.max(0).unsigned_abs();
                match name {
                    "RetransSegs" => counted.segments = value,
                    "TCPTimeouts" | "TCPSlowStartRetrans" => counted.by[TIMEOUT] += value,
                    "TCPFastRetrans" => counted.by[FAST] += value,
                    "TCPLossProbes" => counted.by[PROBE] += value,
                    _ => {}
                }
            });
        }
        Ok(counted)
    }
}

/// A file of /proc/net from its begin.
fn whole(file: &File) -> io::Result<String> {
    const MOST: usize = 1 << 16;
    let mut text = Vec::new();
    while text.len() < MOST {
        let at = text.len();
        text.resize(at + 8192, 0);
        let len = file.read_at(&mut text[at..], at as u64)?;
        text.truncate(at + len);
        if len == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Tells every counter: lines come in pairs, names and values, each after the name of the group.
fn each(text: &str, mut tell: impl FnMut(&str, &str, i64)) {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((group, names)), Some((_, values))) =
            (names.split_once(':'), values.split_once(':'))
        else {
            continue;
        };
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            if let Ok(value) = value.parse() {
                tell(group, name, value);
            }
        }
    }
}

const TIMEOUT: usize = 0;
const FAST: usize = 1;
const PROBE: usize = 2;

/// How many segments were sent again, and how often for which reason.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    segments: u64,
    by: [u64; 3],
}

/// Tells what made a kernel send again, by what it has counted meanwhile.
///
/// A counter goes up a few microseconds before or after the segment leaves. Where more than one has,
/// or none, nothing is said.
#[derive(Debug)]
pub(super) struct Reasons {
    counters: Counters,
    begin: Counted,
    last: Counted,
    /// Counted, and not given to a segment yet.
    open: [u64; 3],
    /// Segments sent again that were seen to leave.
    seen: u64,
}

impl Reasons {
    /// How often is looked whether a counter goes up, and how long between.
    const LOOKS: u32 = 40;
    const PAUSE: Duration = Duration::from_micros(50);

    pub(super) fn new(counters: Counters) -> io::Result<Self> {
        let begin = counters.of_retransmissions()?;
        Ok(Self {
            counters,
            begin,
            last: begin,
            open: [0; 3],
            seen: 0,
        })
    }

    /// Segments that the kernel says it sent again (`RetransSegs`).
    pub(super) fn kernel_says(&mut self) -> io::Result<u64> {
        self.look()?;
        Ok(self.last.segments - self.begin.segments)
    }

    pub(super) const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn look(&mut self) -> io::Result<()> {
        let counted = self.counters.of_retransmissions()?;
        let news = counted.by.into_iter().zip(self.last.by);
        for (open, (now, before)) in self.open.iter_mut().zip(news) {
            *open += now.saturating_sub(before);
        }
        self.last = counted;
        Ok(())
    }

    /// A segment left that was not sent before. A probe of the tail may be one, and is counted.
    pub(super) fn new_segment(&mut self) -> io::Result<()> {
        self.look()?;
        self.settle();
        Ok(())
    }

    /// A segment left that was sent before: why, where that can be told.
    pub(super) fn sent_again(&mut self, header: &Header) -> io::Result<Option<Trigger>> {
        self.seen += 1;
        let is_syn = header.flags.has(Flags::SYN);
        for look in 0..Self::LOOKS {
            if look > 0 {
                thread::sleep(Self::PAUSE);
            }
            self.look()?;
            if is_syn || self.open.iter().sum::<u64>() > 0 {
                break;
            }
        }
        let mut which = (TIMEOUT..=PROBE).filter(|&each| self.open[each] > 0);
        let only = match (which.next(), which.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        match only {
            Some(only) => self.open[only] -= 1,
            None => self.open = [0; 3],
        }
        self.settle();
        if is_syn {
            return Ok(Some(match header.flags.has(Flags::ACK) {
                true => Trigger::SynAck,
                false => Trigger::Syn,
            }));
        }
        let bare_fin = header.payload == 0 && header.flags.has(Flags::FIN);
        Ok(match only {
            Some(TIMEOUT) if bare_fin => Some(Trigger::Fin),
            Some(TIMEOUT) => Some(Trigger::Timeout),
            Some(FAST) => Some(Trigger::Fast),
            Some(_) => Some(Trigger::TailLossProbe),
            None => None,
        })
    }

    /// When every segment that the kernel sent again has been seen, what is still open belongs to
    /// none of those to come.
    fn settle(&mut self) {
        if self.seen >= self.last.segments - self.begin.segments {
            self.open = [0; 3];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, each};

    #[test]
    fn names_and_values_come_in_pairs() {
        let text = "Tcp: A B\nTcp: 1 -1\nTcpExt: C\nTcpExt: 7\nodd\n";
        let mut told = Vec::new();
        each(text, |group, name, value| {
            told.push(format!("{group}{name} {value}"))
        });
        assert_eq!(told, ["TcpA 1", "TcpB -1", "TcpExtC 7"]);
    }

    #[test]
    fn this_host_counts() {
        let counters = Counters::open().unwrap();
        for _ in 0..2 {
            let all = counters.all().unwrap();
            for name in ["TcpRetransSegs", "TcpExtTCPTimeouts", "TcpExtTCPLossProbes"] {
                assert!(all.contains_key(name), "{name}");
            }
        }
    }
}
