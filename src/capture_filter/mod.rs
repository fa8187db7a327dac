//! Capture filters in tcpdump's language (pcap-filter(7)), compiled to classic BPF: attached to a
//! socket they choose frames in the kernel, and [`Program::takes`] chooses them in a file.
//!
//! ```text
//! "tcp port 443" ─lexer─▶ words ─parser─▶ Expression ─lowering─▶ Condition ─▶ Program
//!                                          what is said   for one target: where headers stand
//! ```
//!
//! What is chosen is what libpcap's own compiler chooses (the tests hold it to tcpdump's
//! selection, expression by expression), with its peculiarities: `and` and `or` bind alike and to
//! the left; `vlan`, `mpls` and `pppoes` move the headers for everything that is written after
//! them; `tcp[…]` is of IPv4; a field beyond the captured bytes refuses the frame whatever else is
//! asked. Different is this:
//!
//! - Names are those of /etc/services, /etc/hosts and /etc/protocols. The DNS is not asked.
//! - `proto tcp` needs no backslash.
//! - Loopback frames (link type NULL) are IPv6 by the numbers of all systems, in both byte orders.
//! - Refused, with the place: `gateway`, `protochain`, `ip broadcast`, `geneve`, `byte`, `ifindex`,
//!   names of networks, and the words of link types other than Ethernet, Linux cooked, raw IP and
//!   loopback (`wlan`'s types, `llc`, ATM, SS7, PF).

mod arithmetic;
mod condition;
mod constants;
mod error;
mod layout;
mod lexer;
mod lowering;
mod names;
mod parser;
mod program;
mod syntax;

pub use error::FilterError;
pub use layout::Target;
pub use program::{Instruction, Program};

use std::sync::Arc;

use names::Names;
use syntax::Expression;

/// A capture filter that says something, not yet compiled for a kind of frames.
///
/// # Examples
/// ```
/// use tcplens::capture_filter::CaptureFilter;
///
/// let error = CaptureFilter::parse("tcp prot 80").unwrap_err();
/// assert_eq!(error.to_string(), "`prot` is no keyword; did you mean `port`?");
/// assert_eq!(error.pointed(), "  tcp prot 80\n      ^^^^");
/// ```
#[derive(Clone, Debug)]
pub struct CaptureFilter {
    text: String,
    expression: Arc<Expression>,
    names: Arc<Names>,
}

impl CaptureFilter {
    /// Parses a filter. The empty one takes every frame.
    ///
    /// # Errors
    /// When it is none, with the place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self {
            expression: Arc::new(parser::parse(text).map_err(|error| error.of(text))?),
            names: Arc::default(),
            text: text.to_owned(),
        })
    }

    /// The filter as it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Compiles it: the program takes this many octets of frames that are chosen, at most (0 is
    /// as many as there are). Names are looked up in files of this host.
    ///
    /// # Errors
    /// When it can't be asked of such frames, a name is not known, or the program would be too
    /// long for the kernel.
    pub fn compile(&self, target: Target, snaplen: u32) -> Result<Program, FilterError> {
        let snaplen = if snaplen == 0 { u32::MAX } else { snaplen };
        lowering::lower(&self.expression, target, &self.names)
            .and_then(|condition| condition::program(&condition, snaplen))
            .map_err(|error| error.of(&self.text))
    }
}

#[cfg(test)]
mod tests;
