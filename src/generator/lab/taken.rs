//! What a run of the lab leaves behind: three captures, their answer sheets, what the kernels
//! counted, and whether that agrees.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::course::{End, Frame};
use super::run::{Played, Setup};
use crate::calls::KernelState;
use crate::frame::{CapturedFrame, Place};
use crate::generator::PcapngWriter;
use crate::generator::truth::sheet::{HostTruth, Triggers};
use crate::generator::truth::{Recorded, Sheet, Side, Tap, judge};
use crate::wire::LinkType;

/// The name and version of the format of `kernel.json`.
const SCHEMA: &str = "tcplens-lab/1";

/// Counters of what a host got and did not take. The path can't see that: where one of them is not
/// zero, the sheets may call a retransmission needless that was not.
const REFUSALS: &[&str] = &[
    "TcpInErrs",
    "TcpInCsumErrors",
    "TcpExtTCPRcvQDrop",
    "TcpExtTCPZeroWindowDrop",
    "TcpExtTCPOFODrop",
    "TcpExtTCPBacklogDrop",
    "TcpExtPAWSEstab",
    "TcpExtPAWSActive",
    "TcpExtListenDrops",
    "TcpExtListenOverflows",
    "TcpExtRcvPruned",
    "TcpExtOfoPruned",
];

/// What is to be said of a host.
#[derive(Clone, Debug)]
pub struct HostReport {
    /// Which.
    pub side: Side,
    /// Packets that left it.
    pub packets: u64,
    /// … that died on the way.
    pub lost: u64,
    /// … that were sent again, as the path counted them.
    pub resent: u64,
    /// … as its kernel did (`RetransSegs`).
    pub kernel: u64,
    /// … by what its kernel says made it.
    pub triggers: Triggers,
    /// … that were not needed.
    pub spurious: u64,
    /// Octets that its program received.
    pub received: u64,
    /// What its program complained of.
    pub failure: Option<String>,
    /// Segments that it got and did not take, by the kernel's counters that say so.
    pub refused: BTreeMap<&'static str, i64>,
    /// Every counter of its kernel that changed.
    pub counters: BTreeMap<String, i64>,
    /// What its kernel said of its socket before it was closed.
    pub state: Option<KernelState>,
}

/// What a run has left.
#[derive(Debug)]
pub struct Taken {
    name: &'static str,
    setup: Setup,
    frames: [Vec<Frame>; 3],
    sheets: [Sheet; 3],
    /// The client, the server.
    pub hosts: [HostReport; 2],
    /// It did not come to its end by itself.
    pub is_cut_short: bool,
    /// … because it was asked to stop.
    pub is_stopped: bool,
    /// From the first packet to the last, in seconds.
    pub seconds: f64,
}

impl Taken {
    pub(super) fn new(name: &'static str, setup: &Setup, played: Played) -> Self {
        let Played {
            end,
            journal,
            frames,
            counters: [before, after],
            resent,
            ended,
        } = played;
        let scenario = format!("lab/{name}");
        let sheets = Tap::ALL.map(|tap| {
            let recorded = frames.get(tap as usize).map(Vec::as_slice);
            let recorded: Vec<Recorded> = recorded
                .unwrap_or_default()
                .iter()
                .map(|frame| frame.recorded)
                .collect();
            judge(&journal, tap, &recorded, &scenario, Some(setup.seed))
        });
        let [client, server] = ended;
        let each = [
            (Side::Client, client, resent[0], &before[0], &after[0]),
            (Side::Server, server, resent[1], &before[1], &after[1]),
        ];
        let hosts = each.map(|(side, ended, kernel, before, after)| {
            // Beside a host every packet of its is seen.
            let sheet = match side {
                Side::Client => &sheets[Tap::Client as usize],
                Side::Server => &sheets[Tap::Server as usize],
            };
            let mut report = HostReport {
                side,
                packets: 0,
                lost: 0,
                resent: 0,
                kernel,
                triggers: Triggers::default(),
                spurious: 0,
                received: ended.received,
                failure: ended.failure,
                refused: BTreeMap::new(),
                counters: changed(before, after),
                state: ended.state,
            };
            for connection in &sheet.connections {
                report.add(match side {
                    Side::Client => &connection.client,
                    Side::Server => &connection.server,
                });
            }
            let refused = REFUSALS.iter().filter_map(|name| {
                let count = report.counters.get(*name).filter(|count| **count > 0)?;
                Some((*name, *count))
            });
            report.refused = refused.collect();
            report
        });
        let times = journal.log.first().zip(journal.log.last());
        let seconds = times.map_or(0.0, |(first, last)| (last.time - first.time).as_secs_f64());
        Self {
            name,
            setup: setup.clone(),
            frames,
            sheets,
            hosts,
            is_cut_short: end != End::Quiet,
            is_stopped: end == End::Stopped,
            seconds,
        }
    }

    /// Whether both kernels say that they sent again as many segments as the path has seen.
    pub fn agrees(&self) -> bool {
        self.hosts.iter().all(|host| host.resent == host.kernel)
    }

    /// The answer sheet of a tap's capture.
    pub fn sheet(&self, tap: Tap) -> &Sheet {
        &self.sheets[tap as usize]
    }

    /// Writes everything into a folder; gives the names of the files.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for tap in Tap::ALL {
            let capture = folder.join(tap.name()).with_extension("pcapng");
            self.write_capture(tap, &capture)?;
            let sheet = folder.join(format!("{}.truth.ndjson", tap.name()));
            let mut out = BufWriter::new(File::create(&sheet)?);
            self.sheet(tap).write(&mut out)?;
            out.flush()?;
            files.extend([capture, sheet]);
        }
        let kernel = folder.join("kernel.json");
        let mut out = BufWriter::new(File::create(&kernel)?);
        serde_json::to_writer_pretty(&mut out, &self.kernels())?;
        writeln!(out)?;
        out.flush()?;
        files.push(kernel);
        Ok(files)
    }

    fn write_capture(&self, tap: Tap, path: &Path) -> io::Result<()> {
        let out = BufWriter::new(File::create(path)?);
        let mut file = PcapngWriter::by(out, Some("tcplens"))?;
        file.interface(LinkType::RAW, Some(tap.name()))?;
        let frames = self.frames.get(tap as usize).map(Vec::as_slice);
        for (number, frame) in (1..).zip(frames.unwrap_or_default()) {
            let captured = CapturedFrame {
                number,
                time: frame.recorded.time,
                interface: 0,
                link: LinkType::RAW,
                wire_len: frame.octets.len() as u32,
                data: &frame.octets,
                upcoming: &[],
                place: Place::NOWHERE,
            };
            file.frame(&captured, None)?;
        }
        file.into_inner().flush()
    }

    /// What the kernels say, beside what the path has seen.
    fn kernels(&self) -> Value {
        let release = nix::sys::utsname::uname().ok();
        let release = release.map(|name| name.release().to_string_lossy().into_owned());
        let hosts = self.hosts.each_ref().map(|host| {
            json!({
                "retransmissions": {"path": host.resent, "kernel": host.kernel},
                "refused": host.refused,
                "received": host.received,
                "failure": host.failure,
                "tcp_info": host.state,
                "counters": host.counters,
            })
        });
        let [client, server] = hosts;
        json!({
            "schema": SCHEMA,
            "scenario": format!("lab/{}", self.name),
            "seed": self.setup.seed,
            "kernel": release,
            "congestion": self.setup.congestion,
            "sack": !self.setup.no_sack,
            "timestamps": !self.setup.no_timestamps,
            "ecn": self.setup.ecn,
            "agrees": self.agrees(),
            "cut_short": self.is_cut_short,
            "client": client,
            "server": server,
        })
    }
}

impl HostReport {
    fn add(&mut self, truth: &HostTruth) {
        self.packets += truth.packets;
        self.lost += truth.lost;
        self.resent += truth.needed.total() + truth.spurious.total();
        self.spurious += truth.spurious.total();
        let triggers = &mut self.triggers;
        for each in [&truth.needed, &truth.spurious] {
            triggers.timeout += each.timeout;
            triggers.fast += each.fast;
            triggers.tail_loss_probe += each.tail_loss_probe;
            triggers.syn += each.syn;
            triggers.syn_ack += each.syn_ack;
            triggers.fin += each.fin;
            triggers.unknown += each.unknown;
        }
    }
}

fn changed(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let changes = after.iter().map(|(name, now)| {
        let was = before.get(name).copied().unwrap_or(0);
        (name.clone(), now - was)
    });
    changes.filter(|(_, change)| *change != 0).collect()
}
