//! `tcplens generate lab/SCENARIO`: real kernels through an impaired path.

use std::io;

use clap::Args;

use super::Arguments;
use crate::cli::Exit;
#[cfg(target_os = "linux")]
use crate::generator::lab::SCENARIOS as TABLE;

/// Options of the lab alone.
#[derive(Args, Debug)]
// Groups of arguments go by the name of their type, and all of these have the same.
#[group(skip)]
#[command(next_help_heading = "Lab of real kernels")]
pub(super) struct Options {
    /// The congestion control of both hosts, such as cubic or reno
    #[arg(long, value_name = "NAME")]
    pub(super) congestion: Option<String>,

    /// Hosts without selective acknowledgments
    #[arg(long)]
    pub(super) no_sack: bool,

    /// Hosts without timestamps
    #[arg(long)]
    pub(super) no_timestamps: bool,

    /// Hosts with explicit congestion notification
    #[arg(long)]
    pub(super) ecn: bool,
}

/// Every scenario of the lab: its name without `lab/`, and a line about it.
#[cfg(target_os = "linux")]
pub(super) const SCENARIOS: &[(&str, &str)] = &{
    let mut lines = [("", ""); TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        lines[at] = (TABLE[at].name, TABLE[at].summary);
        at += 1;
    }
    lines
};
#[cfg(not(target_os = "linux"))]
pub(super) const SCENARIOS: &[(&str, &str)] = &[];

/// The long description of a scenario of the lab.
#[cfg(target_os = "linux")]
pub(super) fn description(scenario: &str) -> Option<String> {
    let scenario = TABLE.iter().find(|each| each.name == scenario)?;
    Some(scenario.description.to_owned())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn description(_: &str) -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn run(arguments: &Arguments, _: &str) -> io::Result<Exit> {
    let Options {
        congestion: _,
        no_sack: _,
        no_timestamps: _,
        ecn: _,
    } = &arguments.lab;
    Ok(Exit::usage("the lab of real kernels needs Linux"))
}

#[cfg(target_os = "linux")]
pub(super) use linux::run;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io::Write;

    use super::{Arguments, Exit, TABLE, io};
    use crate::cli::generate::list;
    use crate::cli::interrupt::Interrupt;
    use crate::cli::terminal;
    use crate::generator::lab::{HostReport, Setup, Taken, enter, run as play};
    use crate::generator::truth::sheet::Triggers;
    use crate::report::escape::escaped;

    pub(in crate::cli::generate) fn run(arguments: &Arguments, name: &str) -> io::Result<Exit> {
        let Some(scenario) = TABLE.iter().find(|scenario| scenario.name == name) else {
            return Ok(Exit::usage(&list::unknown(&format!("lab/{name}"))));
        };
        let Some(folder) = arguments.output.as_deref() else {
            return Ok(Exit::usage("where to write the files of the lab? -o DIR"));
        };
        // Before this process is root in a namespace, and may do less outside.
        if let Err(error) = fs::create_dir_all(folder) {
            let folder = folder.display();
            return Ok(Exit::usage(&format!("{folder} can't be made: {error}")));
        }
        let options = &arguments.lab;
        let setup = Setup {
            seed: arguments.seed(),
            congestion: options.congestion.clone(),
            no_sack: options.no_sack,
            no_timestamps: options.no_timestamps,
            ecn: options.ecn,
        };
        let hosts = match enter(&setup) {
            Ok(hosts) => hosts,
            Err(why) => return Ok(Exit::usage(&why)),
        };
        // It starts a thread: only now may there be a second one.
        let stop = Interrupt::listen(false).stop();
        let taken = match play(scenario, &setup, hosts, &stop) {
            Ok(taken) => taken,
            Err(why) => return Ok(Exit::usage(&why)),
        };
        let files = match taken.write(folder) {
            Ok(files) => files,
            Err(error) => {
                let folder = folder.display();
                return Ok(Exit::usage(&format!(
                    "{folder}: a file can't be written: {error}"
                )));
            }
        };
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "lab/{name}, seed {}: {:.2} s",
            setup.seed, taken.seconds
        )?;
        for host in &taken.hosts {
            say(&mut out, &told(host))?;
        }
        writeln!(out)?;
        for file in &files {
            writeln!(out, "{}", escaped(&file.display().to_string()))?;
        }
        let middle = folder.join("middle");
        let middle = middle.display().to_string();
        let middle = escaped(&middle);
        writeln!(
            out,
            "Next: tcplens score {middle}.pcapng --truth {middle}.truth.ndjson"
        )?;
        out.flush()?;
        Ok(judged(&taken))
    }

    /// What a host did, in a sentence or two.
    fn told(host: &HostReport) -> String {
        let mut words = format!(
            "{}: {} packets, {} lost on the way, {} sent again",
            host.side.name(),
            host.packets,
            host.lost,
            host.resent
        );
        let by = by_trigger(&host.triggers);
        if !by.is_empty() {
            words.push_str(&format!(" ({by}; {} not needed)", host.spurious));
        }
        words.push_str(&format!("; its kernel says {}.", host.kernel));
        for (counter, count) in &host.refused {
            words.push_str(&format!(
                " It did not take all it got ({counter} {count}): the sheets don't know of that."
            ));
        }
        words
    }

    fn by_trigger(triggers: &Triggers) -> String {
        let named: Vec<String> = [
            (triggers.timeout, "timeout"),
            (triggers.fast, "fast"),
            (triggers.tail_loss_probe, "tail loss probe"),
            (triggers.syn, "SYN"),
            (triggers.syn_ack, "SYN-ACK"),
            (triggers.fin, "FIN"),
            (triggers.unknown, "unknown"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
        named.join(", ")
    }

    /// How it went, and a word on what went wrong.
    fn judged(taken: &Taken) -> Exit {
        if taken.is_stopped {
            return Exit::Interrupted;
        }
        // Without the server the client fails too.
        for host in taken.hosts.iter().rev() {
            let side = host.side.name();
            if let Some(failure) = &host.failure {
                return Exit::usage(&format!("the {side}'s program failed: {failure}"));
            }
        }
        if taken.is_cut_short {
            return Exit::usage("it took too long, and was ended");
        }
        if !taken.agrees() {
            return Exit::usage(
                "the path and the kernels disagree on how many segments were sent again: don't \
                 trust these answer sheets",
            );
        }
        Exit::Done
    }

    fn say(out: &mut dyn Write, words: &str) -> io::Result<()> {
        for line in list::wrapped(words, terminal::columns().min(100)) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
