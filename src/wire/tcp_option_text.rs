//! TCP options in tcpdump's wording.

use core::fmt;

use super::tcp_option::{AccEcnOrder, SackBlock, TcpOption, TcpOptions, Timestamps};

/// As tcpdump writes them: `mss 1460,nop,nop,sackOK,TS val 1 ecr 0,nop,wscale 7`.
impl fmt::Display for TcpOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{option}")?;
        }
        Ok(())
    }
}

/// As tcpdump writes it.
impl fmt::Display for TcpOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EndOfList => f.write_str("eol"),
            Self::Nop => f.write_str("nop"),
            Self::Mss(mss) => write!(f, "mss {mss}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => f.write_str("sackOK"),
            Self::Sack(blocks) => {
                write!(f, "sack {} ", blocks.as_slice().len())?;
                for SackBlock { left, right } in blocks.as_slice() {
                    write!(f, "{{{left}:{right}}}")?;
                }
                Ok(())
            }
            Self::Timestamps(Timestamps { value, echo }) => write!(f, "TS val {value} ecr {echo}"),
            Self::FastOpen {
                cookie,
                experimental,
            } => {
                f.write_str(if experimental { "exp-tfo " } else { "tfo " })?;
                match cookie {
                    [] => f.write_str("cookiereq"),
                    cookie => write!(f, "cookie {}", Hex(cookie)),
                }
            }
            Self::Mptcp { subtype, data } => write!(f, "mptcp {} {subtype}", data.len() + 2),
            Self::AccEcn {
                order,
                counters,
                experimental,
            } => {
                let prefix = if experimental { "exp-" } else { "" };
                let (number, names) = match order {
                    AccEcnOrder::Ect0First => (0, ["e0b", "ceb", "e1b"]),
                    AccEcnOrder::Ect1First => (1, ["e1b", "ceb", "e0b"]),
                };
                write!(f, "{prefix}accecn{number}")?;
                for (name, &[a, b, c]) in names.into_iter().zip(counters.as_chunks().0) {
                    write!(f, " {name} {}", u32::from_be_bytes([0, a, b, c]))?;
                }
                Ok(())
            }
            Self::Md5(digest) => write!(f, "md5 {}", Hex(digest)),
            Self::Authentication {
                key,
                next_key,
                code,
            } => {
                write!(
                    f,
                    "tcp-ao keyid {key} rnextkeyid {next_key} mac 0x{}",
                    Hex(code)
                )
            }
            Self::UserTimeout { value, minutes } => {
                write!(f, "uto {value} {}", if minutes { "min" } else { "sec" })
            }
            Self::Unknown { kind, data: [] } => write!(f, "unknown-{kind}"),
            Self::Unknown { kind, data } => write!(f, "unknown-{kind} 0x{}", Hex(data)),
            Self::Malformed { kind, length } => write!(f, "unknown-{kind} [bad length {length}]"),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
