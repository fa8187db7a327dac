//! Prints every retransmission of a capture: in which frame, on which connection, and what it is
//! judged to be.
//!
//! ```text
//! cargo run --example retransmissions -- fixtures/captures/shop.pcapng
//! ```

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::ops::ControlFlow;

use tcplens::analysis::{Analyzer, FlowView, FrameView, Observer, Options};
use tcplens::source::{self, OpenOptions};
use tcplens::tcp::{Kind, What};

struct Retransmissions;

impl Observer for Retransmissions {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let FlowView::Tcp { view: tcp, from } = view.flow else {
            return ControlFlow::Continue(());
        };
        for event in view.events {
            if let What::Verdict(verdict) = event.what
                && verdict.kind == Kind::Retransmission
            {
                let (source, destination) = (tcp.socket(from), tcp.socket(from.peer()));
                let (frame, id, rule) = (event.frame, tcp.id, verdict.rule.says());
                let line = format!(
                    "frame {frame}, connection {id}, {source} > {destination}: {verdict}: {rule}"
                );
                // Nobody reads on (`| head`): no need to go on either.
                if writeln!(stdout(), "{line}").is_err() {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<_> = env::args_os().skip(1).collect();
    if files.is_empty() {
        return Err("usage: retransmissions FILE…".into());
    }
    let mut analyzer = Analyzer::new(Options::default());
    source::open(&files, &OpenOptions::default())?
        .run(&mut |arrival| analyzer.arrive(arrival, &mut Retransmissions))?;
    Ok(())
}
