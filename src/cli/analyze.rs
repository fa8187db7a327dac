//! `tcplens analyze`: every connection of a capture.

use std::io::{self, Write};

use clap::Args;

use super::Exit;
use super::input::{self, Inputs};
use crate::tcp::Role;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let finished = input::run(&arguments.inputs, &mut ());
    let mut out = io::stdout().lock();
    let a = &finished.analyzer;
    writeln!(
        out,
        "{} frames, {} tcp, {} udp, memory {}",
        a.capture().frames,
        a.tcp_seen(),
        a.udp_seen(),
        a.memory()
    )?;
    for (id, slot) in a.connections().into_iter().take(20) {
        a.connection(slot, |view| {
            let c = view.connection;
            let end = a.capture().last.unwrap_or_default();
            println!(
                "{id} {} > {} {:?} {:?} {:?}",
                view.socket(Role::Client),
                view.socket(Role::Server),
                c.opening(),
                c.ending(end),
                c.closer()
            );
            for role in Role::BOTH {
                println!(
                    "   {:?} {:?} {:?}",
                    c.endpoint(role).state,
                    c.endpoint(role).figures,
                    c.endpoint(role).rtt.figures()
                );
            }
        });
    }
    finished.complain();
    Ok(finished.exit())
}
