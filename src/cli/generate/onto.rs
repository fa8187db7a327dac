//! `tcplens generate NAME --onto IFACE`: generated traffic onto an interface.

use std::io;

use clap::Args;

use super::Arguments;
use crate::cli::Exit;
use crate::generator::onto::Rate;
use crate::source::Source;

/// Options of sending alone.
#[derive(Args, Debug)]
// Groups of arguments go by the name of their type, and all of these have the same.
#[group(skip)]
#[command(next_help_heading = "Onto an interface")]
pub(super) struct Options {
    /// Send the traffic onto this interface instead of writing a capture; off loopback it is only
    /// said what would be sent
    #[arg(long, value_name = "IFACE", conflicts_with = "output")]
    pub(super) onto: Option<String>,

    /// How quickly: 500pps, 20kpps, 10Mbps, recorded or fastest [default: recorded]
    #[arg(long, value_name = "RATE", requires = "onto")]
    pub(super) rate: Option<Rate>,

    /// Send it, whatever interface that is
    #[arg(long, requires = "onto")]
    pub(super) yes: bool,

    /// Say what would be sent, on loopback too
    #[arg(long, requires = "onto", conflicts_with = "yes")]
    pub(super) dry_run: bool,
}

/// The interface that was asked for.
pub(super) fn interface(options: &Options) -> Option<&str> {
    options.onto.as_deref()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn run(
    arguments: &Arguments,
    interface: &str,
    source: &mut dyn Source,
) -> io::Result<Exit> {
    let Options {
        onto: _,
        rate: _,
        yes: _,
        dry_run: _,
    } = &arguments.onto;
    let _ = source;
    Ok(Exit::usage(&format!(
        "sending onto an interface ({interface:?}) needs Linux"
    )))
}

#[cfg(target_os = "linux")]
pub(super) use linux::run;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write;
    use std::sync::atomic::Ordering;

    use super::{Arguments, Exit, Rate, Source, io};
    use crate::cli::interrupt::Interrupt;
    use crate::cli::{generate::list, terminal};
    use crate::generator::onto::{Plan, Sent, way};
    use crate::report::escape::escaped;

    /// Addresses that are named.
    const NAMED: usize = 8;

    pub(in crate::cli::generate) fn run(
        arguments: &Arguments,
        interface: &str,
        source: &mut dyn Source,
    ) -> io::Result<Exit> {
        let options = &arguments.onto;
        let rate = options.rate.unwrap_or(Rate::Recorded);
        let way = match way(interface) {
            Ok(way) => way,
            Err(why) => return Ok(Exit::usage(&why)),
        };
        let stop = Interrupt::listen(false).stop();
        let plan = match Plan::of(source, rate, &stop) {
            Ok(plan) => plan,
            Err(error) => return Ok(Exit::usage(&error.to_string())),
        };
        if stop.load(Ordering::Relaxed) {
            return Ok(Exit::Interrupted);
        }
        let sends = options.yes || (way.is_loopback && !options.dry_run);
        let will = if sends { "Sending" } else { "Would send" };
        let longest = way.longest();
        let mut out = io::stdout().lock();
        let mut say = |words: &str| -> io::Result<()> {
            for line in list::wrapped(words, terminal::columns().min(100)) {
                writeln!(out, "{}", escaped(&line))?;
            }
            // What is said of sending is said before it.
            out.flush()
        };
        say(&format!("{will} onto {interface}: {}.", told(&plan, rate)))?;
        say(&addresses(&plan))?;
        if plan.longest > longest {
            say(&format!(
                "Its longest frame has {} bytes; {interface} takes {longest}.",
                plan.longest
            ))?;
        }
        if !sends {
            let how = if options.dry_run {
                "Nothing was sent."
            } else {
                "Nothing was sent: that takes --yes."
            };
            say(how)?;
            return Ok(Exit::Done);
        }
        let sent = match way.send(source, rate, &stop) {
            Ok(sent) => sent,
            Err(error) => return Ok(Exit::usage(&error.to_string())),
        };
        if sent.frames > 0 || sent.failure.is_none() {
            say(&done(&sent))?;
        }
        for (why, frames) in &sent.refused {
            say(&format!("Not sent: {frames} frames: {why}."))?;
        }
        if let Some(why) = &sent.failure {
            return Ok(Exit::usage(why));
        }
        Ok(match sent {
            sent if sent.is_whole() => Exit::Done,
            sent if sent.stopped => Exit::Interrupted,
            _ => Exit::Usage,
        })
    }

    fn told(plan: &Plan, rate: Rate) -> String {
        let (frames, octets) = (plan.frames, plan.octets);
        match plan.duration {
            Some(duration) => {
                let seconds = duration.as_secs_f64();
                format!("{frames} frames, {octets} bytes in {seconds:.3} s, {rate}")
            }
            None => format!("{frames} frames, {octets} bytes, {rate}"),
        }
    }

    fn addresses(plan: &Plan) -> String {
        let count = plan.addresses.len();
        let named: Vec<String> = plan
            .addresses
            .iter()
            .take(NAMED)
            .map(ToString::to_string)
            .collect();
        let named = named.join(", ");
        match count {
            0 => "It has no IP packets.".to_owned(),
            1..=NAMED => format!("Addresses: {named}."),
            _ if plan.more_addresses => format!("More than {count} addresses: {named}, …"),
            _ => format!("{count} addresses: {named}, …"),
        }
    }

    fn done(sent: &Sent) -> String {
        let seconds = sent.took.as_secs_f64();
        let mut words = format!(
            "Sent {} frames, {} bytes in {seconds:.3} s",
            sent.frames, sent.octets
        );
        if seconds > 0.0 {
            let frames = sent.frames as f64 / seconds;
            let bits = sent.octets as f64 * 8.0 / seconds;
            words.push_str(&format!(": {frames:.0} frames/s, {:.3} Mbit/s", bits / 1e6));
        }
        let late = sent.latest.as_secs_f64() * 1e3;
        if late >= 1.0 {
            words.push_str(&format!("; the latest came {late:.1} ms after it was due"));
        }
        words.push('.');
        words
    }
}
