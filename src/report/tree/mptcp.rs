//! The messages of Multipath TCP (RFC 8684 section 3).

use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;

use super::pane::Pane;
use super::words::hex;
use crate::wire::mptcp::Subtype;

/// The fields of an option that stands there in the header, after its kind and length.
pub(super) fn fields(pane: &mut Pane<'_, '_>, subtype: Subtype, option: Range<usize>) {
    let Range { start, end } = option;
    let (first, second) = (start + 2..start + 3, start + 3..start + 4);
    let name = subtype.name().unwrap_or("Unknown");
    let value = format!("{name} ({})", subtype.0);
    pane.bits(
        "Multipath TCP subtype",
        "tcp.options.mptcp.subtype",
        first.clone(),
        0xf0,
        value,
    );
    let at = start + 4;
    match subtype {
        Subtype::MP_CAPABLE => {
            let version = pane.number(first.clone()) & 15;
            pane.bits(
                "Multipath TCP version",
                "tcp.options.mptcp.version",
                first,
                0x0f,
                version,
            );
            pane.hex("Multipath TCP flags", "tcp.options.mptcp.flags", second);
            key(
                pane,
                "Sender's Key",
                "tcp.options.mptcp.sendkey",
                at..at + 8,
                end,
            );
            key(
                pane,
                "Receiver's Key",
                "tcp.options.mptcp.recvkey",
                at + 8..at + 16,
                end,
            );
            if at + 18 <= end {
                pane.plain(
                    "Data-level Length",
                    "tcp.options.mptcp.datalvllen",
                    at + 16..at + 18,
                );
            }
            if at + 20 <= end {
                pane.hex("Checksum", "tcp.options.mptcp.checksum", at + 18..at + 20);
            }
        }
        Subtype::MP_JOIN => join(pane, start..end),
        Subtype::DSS => data_sequence(pane, second, at, end),
        Subtype::ADD_ADDR => address(pane, start..end),
        Subtype::REMOVE_ADDR => {
            for at in start + 3..end {
                pane.plain("Address ID", "tcp.options.mptcp.addrid", at..at + 1);
            }
        }
        Subtype::MP_PRIO => {
            pane.flag("Backup flag", "tcp.options.mptcp.backup.flag", first, 0x01);
            if second.end <= end {
                pane.plain("Address ID", "tcp.options.mptcp.addrid", second);
            }
        }
        Subtype::MP_FAIL => {
            pane.plain(
                "Data Sequence Number",
                "tcp.options.mptcp.rawdataseqno",
                at..end,
            );
        }
        Subtype::MP_FASTCLOSE => {
            key(
                pane,
                "Receiver's Key",
                "tcp.options.mptcp.recvkey",
                at..at + 8,
                end,
            );
        }
        Subtype::MP_TCPRST => {
            pane.flag("Transient", "tcp.options.mptcp.flag_T.flag", first, 0x01);
            pane.plain("Reason", "tcp.options.mptcp.rst_reason", second);
        }
        _ => rest(pane, start + 3..end),
    }
}

fn key(
    pane: &mut Pane<'_, '_>,
    name: &'static str,
    filter: &'static str,
    range: Range<usize>,
    end: usize,
) {
    if range.end <= end {
        pane.hex(name, filter, range);
    }
}

fn rest(pane: &mut Pane<'_, '_>, range: Range<usize>) {
    let bytes = pane.bytes.get(range.clone()).unwrap_or_default();
    if !bytes.is_empty() {
        let value = hex(bytes);
        pane.text("Data", "", range, value);
    }
}

/// A join: what it holds shows by its length (section 3.2).
fn join(pane: &mut Pane<'_, '_>, option: Range<usize>) {
    let Range { start, end } = option;
    let at = start + 4;
    let code = |pane: &mut Pane<'_, '_>, range: Range<usize>| {
        let value = hex(pane.bytes.get(range.clone()).unwrap_or_default());
        pane.text("Sender's HMAC", "tcp.options.mptcp.sendhmac", range, value);
    };
    let len = end - start;
    if len < 24 {
        let flags = start + 2..start + 3;
        pane.flag("Backup flag", "tcp.options.mptcp.backup.flag", flags, 0x01);
        pane.plain(
            "Address ID",
            "tcp.options.mptcp.addrid",
            start + 3..start + 4,
        );
    }
    match len {
        12 => {
            pane.hex("Receiver's Token", "tcp.options.mptcp.recvtok", at..at + 4);
            pane.hex(
                "Sender's Random Number",
                "tcp.options.mptcp.sendrand",
                at + 4..end,
            );
        }
        16 => {
            code(pane, at..at + 8);
            pane.hex(
                "Sender's Random Number",
                "tcp.options.mptcp.sendrand",
                at + 8..end,
            );
        }
        24 => code(pane, at..end),
        _ => rest(pane, at..end),
    }
}

/// A data sequence signal: its flags say what it holds (section 3.3).
fn data_sequence(pane: &mut Pane<'_, '_>, flags: Range<usize>, mut at: usize, end: usize) {
    let bits = pane.number(flags.clone());
    pane.hex(
        "Multipath TCP flags",
        "tcp.options.mptcp.flags",
        flags.clone(),
    );
    pane.down();
    for (name, filter, mask) in [
        ("DATA_FIN", "tcp.options.mptcp.datafin.flag", 0x10),
        (
            "Data Sequence Number is 8 octets",
            "tcp.options.mptcp.dseqn8.flag",
            0x08,
        ),
        (
            "Data Sequence Number present",
            "tcp.options.mptcp.dseqnpresent.flag",
            0x04,
        ),
        (
            "Data ACK is 8 octets",
            "tcp.options.mptcp.dataack8.flag",
            0x02,
        ),
        (
            "Data ACK is present",
            "tcp.options.mptcp.dataackpresent.flag",
            0x01,
        ),
    ] {
        pane.flag(name, filter, flags.clone(), mask);
    }
    pane.up();
    let mut number = |pane: &mut Pane<'_, '_>, name, filter, len: usize| {
        if at + len <= end {
            pane.plain(name, filter, at..at + len);
        }
        at += len;
    };
    let wide = |mask: u64| if bits & mask == 0 { 4 } else { 8 };
    if bits & 0x01 != 0 {
        number(pane, "Data ACK", "tcp.options.mptcp.rawdataack", wide(0x02));
    }
    if bits & 0x04 != 0 {
        number(
            pane,
            "Data Sequence Number",
            "tcp.options.mptcp.rawdataseqno",
            wide(0x08),
        );
        number(
            pane,
            "Subflow Sequence Number",
            "tcp.options.mptcp.subflowseqno",
            4,
        );
        number(pane, "Data-level Length", "tcp.options.mptcp.datalvllen", 2);
        if at + 2 <= end {
            pane.hex("Checksum", "tcp.options.mptcp.checksum", at..at + 2);
        }
    }
}

/// An address that is offered: of either version, perhaps with a port and a code (section 3.4.1).
fn address(pane: &mut Pane<'_, '_>, option: Range<usize>) {
    let Range { start, end } = option;
    let echo = start + 2..start + 3;
    pane.flag("Echo", "tcp.options.mptcp.echo", echo, 0x01);
    pane.plain(
        "Address ID",
        "tcp.options.mptcp.addrid",
        start + 3..start + 4,
    );
    let at = start + 4;
    // What is left beside the address is a port of 2, a code of 8, or both.
    let len = match end - start - 4 {
        4 | 6 | 12 | 14 => 4,
        16 | 18 | 24 | 26 => 16,
        _ => return rest(pane, at..end),
    };
    let bytes = pane.bytes.get(at..at + len).unwrap_or_default();
    if let Some(four) = bytes.first_chunk::<4>().filter(|_| len == 4) {
        let value = Ipv4Addr::from(*four);
        pane.text(
            "Advertised IPv4 Address",
            "tcp.options.mptcp.ipv4",
            at..at + 4,
            value,
        );
    } else if let Some(sixteen) = bytes.first_chunk::<16>() {
        let value = Ipv6Addr::from(*sixteen);
        pane.text(
            "Advertised IPv6 Address",
            "tcp.options.mptcp.ipv6",
            at..at + 16,
            value,
        );
    }
    let mut at = at + len;
    if matches!(end - at, 2 | 10) {
        pane.plain("Advertised port", "tcp.options.mptcp.port", at..at + 2);
        at += 2;
    }
    if at < end {
        let value = hex(pane.bytes.get(at..end).unwrap_or_default());
        pane.text(
            "Truncated HMAC",
            "tcp.options.mptcp.addaddrtrunchmac",
            at..end,
            value,
        );
    }
}
