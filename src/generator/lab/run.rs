//! A scenario from its begin to its end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::sync::atomic::AtomicBool;

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_timerslack;

use super::counters::{Counters, Reasons};
use super::course::{Course, End, Frame, Host};
use super::program::{self, ADDRESSES, Ended};
use super::scenario::Scenario;
use super::taken::Taken;
use super::tun::Tun;
use crate::generator::sockets::private;
use crate::generator::truth::{Journal, Side};

/// How a scenario is played.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// What chance on the path begins with.
    pub seed: u64,
    /// The congestion control of both hosts; the kernel's own choice if not told.
    pub congestion: Option<String>,
    /// Without selective acknowledgments (RFC 2018).
    pub no_sack: bool,
    /// Without timestamps (RFC 7323).
    pub no_timestamps: bool,
    /// With explicit congestion notification (RFC 3168).
    pub ecn: bool,
}

/// Both hosts: their ends of the path, and where their programs run.
pub struct Hosts {
    hosts: [Host; 2],
    namespaces: [File; 2],
}

/// Makes both hosts. This process moves to namespaces of its own for that, for the rest of its
/// life; it must have one thread only.
///
/// # Errors
/// With a sentence: when this system forbids it.
pub fn enter(setup: &Setup) -> Result<Hosts, String> {
    private::enter().map_err(|error| {
        format!(
            "the lab needs user and network namespaces, and this system forbids them ({error}); \
             look at kernel.unprivileged_userns_clone, user.max_user_namespaces, and what confines \
             this program (AppArmor, seccomp)"
        )
    })?;
    let failed = |error: io::Error| format!("the lab's hosts can't be made: {error}");
    let (client, its) = host(Side::Client, setup).map_err(failed)?;
    unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| failed(errno.into()))?;
    let (server, other) = host(Side::Server, setup).map_err(failed)?;
    Ok(Hosts {
        hosts: [client, server],
        namespaces: [its, other],
    })
}

/// A host in the network namespace of this thread.
fn host(side: Side, setup: &Setup) -> io::Result<(Host, File)> {
    // What a kernel says of itself by IPv6 is of no interest; it may be without it.
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    for (is_wanted, name, value) in [
        (setup.no_sack, "tcp_sack", "0"),
        (setup.no_timestamps, "tcp_timestamps", "0"),
        (setup.ecn, "tcp_ecn", "1"),
    ] {
        if is_wanted {
            let path = format!("/proc/sys/net/ipv4/{name}");
            fs::write(&path, value)
                .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
        }
    }
    if let Some(name) = &setup.congestion {
        program::check_congestion(name)?;
    }
    let host = Host {
        tun: Tun::open(ADDRESSES[side as usize])?,
        reasons: Reasons::new(Counters::open()?)?,
    };
    Ok((host, File::open("/proc/thread-self/ns/net")?))
}

/// Plays a scenario, until its end or until `stop` becomes true.
///
/// # Errors
/// With a sentence: when the path can't go on.
pub fn run(
    scenario: &Scenario,
    setup: &Setup,
    hosts: Hosts,
    stop: &AtomicBool,
) -> Result<Taken, String> {
    let failed = |error: io::Error| format!("the path broke down: {error}");
    let Hosts {
        mut hosts,
        namespaces,
    } = hosts;
    // Packets leave a microsecond after they are due, not fifty.
    let _ = set_timerslack(1_000);
    let before = counted(&hosts).map_err(failed)?;
    let mut course = Course::new(&mut hosts, scenario.path(), setup.seed);
    let programs = program::start(namespaces, scenario.talk, setup.congestion.as_deref());
    let done = || programs.iter().all(|program| program.is_finished());
    let end = course.run(stop, done).map_err(failed)?;
    let (journal, frames) = (
        std::mem::take(&mut course.journal),
        std::mem::take(&mut course.frames),
    );
    let after = counted(&hosts).map_err(failed)?;
    let mut resent = [0; 2];
    for (resent, host) in resent.iter_mut().zip(&mut hosts) {
        *resent = host.reasons.kernel_says().map_err(failed)?;
    }
    let ended = programs.map(|program| {
        if !program.is_finished() {
            let failure = Some("it did not come to its end".to_owned());
            return Ended {
                failure,
                ..Ended::default()
            };
        }
        program.join().unwrap_or_default()
    });
    let played = Played {
        end,
        journal,
        frames,
        counters: [before, after],
        resent,
        ended,
    };
    Ok(Taken::new(scenario.name, setup, played))
}

/// What is left when it is over.
pub(super) struct Played {
    pub(super) end: End,
    pub(super) journal: Journal,
    pub(super) frames: [Vec<Frame>; 3],
    /// What both kernels had counted before and after.
    pub(super) counters: [Counted; 2],
    /// Segments that the kernels say they sent again.
    pub(super) resent: [u64; 2],
    pub(super) ended: [Ended; 2],
}

type Counted = [BTreeMap<String, i64>; 2];

fn counted(hosts: &[Host; 2]) -> io::Result<Counted> {
    let [client, server] = hosts;
    Ok([
        client.reasons.counters().all()?,
        server.reasons.counters().all()?,
    ])
}
