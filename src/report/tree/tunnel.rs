//! Headers of tunnels.

use super::Health;
use super::pane::Pane;
use super::words::{ether_type, hex, named_hex};
use crate::wire::{geneve as geneve_header, gre as gre_header, gtp as gtp_header};
use crate::wire::{l2tp as l2tp_header, vxlan as vxlan_header};

pub(super) fn gre(pane: &mut Pane<'_, '_>) -> usize {
    let Ok((rest, header)) = gre_header::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len() - rest.len();
    let protocol = u64::from(header.protocol);
    let name = ether_type(protocol).unwrap_or("Unknown");
    pane.head(
        format!("Generic Routing Encapsulation ({name})"),
        "",
        len,
        Some("gre"),
    );
    pane.down();
    pane.hex("Flags and Version", "gre.flags_and_version", 0..2);
    pane.down();
    pane.flag("Checksum Bit", "gre.flags.checksum", 0..2, 0x8000);
    pane.flag("Routing Bit", "gre.flags.routing", 0..2, 0x4000);
    pane.flag("Key Bit", "gre.flags.key", 0..2, 0x2000);
    pane.flag(
        "Sequence Number Bit",
        "gre.flags.sequence_number",
        0..2,
        0x1000,
    );
    pane.flag("Acknowledgment", "gre.flags.ack", 0..2, 0x0080);
    pane.bits("Version", "gre.flags.version", 0..2, 0x0007, header.version);
    pane.up();
    pane.text(
        "Protocol Type",
        "gre.proto",
        2..4,
        named_hex(ether_type(protocol), protocol),
    );
    let mut at = 4;
    if header.checksum.is_some() {
        pane.hex("Checksum", "gre.checksum", at..at + 2);
        pane.plain("Offset", "gre.offset", at + 2..at + 4);
        at += 4;
    }
    if header.key.is_some() {
        if header.version == 1 {
            pane.plain("Payload Length", "gre.key.payload_length", at..at + 2);
            pane.plain("Call ID", "gre.key.call_id", at + 2..at + 4);
        } else {
            pane.hex("Key", "gre.key", at..at + 4);
        }
        at += 4;
    }
    if header.sequence.is_some() {
        pane.plain("Sequence Number", "gre.sequence_number", at..at + 4);
        at += 4;
    }
    if header.acknowledgment.is_some() {
        pane.plain("Acknowledgment Number", "gre.ack_number", at..at + 4);
    }
    len
}

pub(super) fn vxlan(pane: &mut Pane<'_, '_>) -> usize {
    const LEN: usize = vxlan_header::Header::LEN;
    pane.head(
        "Virtual eXtensible Local Area Network",
        "",
        LEN,
        Some("vxlan"),
    );
    pane.down();
    pane.hex("Flags", "vxlan.flags", 0..2);
    pane.down();
    pane.flag("GBP Extension", "vxlan.flag_g", 0..2, 0x8000);
    pane.flag("VXLAN Network ID (VNI)", "vxlan.flag_i", 0..2, 0x0800);
    pane.flag("Don't Learn", "vxlan.flag_d", 0..2, 0x0040);
    pane.flag("Policy Applied", "vxlan.flag_a", 0..2, 0x0008);
    pane.up();
    pane.plain("Group Policy ID", "vxlan.gbp", 2..4);
    pane.plain("VXLAN Network Identifier (VNI)", "vxlan.vni", 4..7);
    pane.plain("Reserved", "vxlan.reserved8", 7..8);
    LEN
}

pub(super) fn geneve(pane: &mut Pane<'_, '_>) -> usize {
    let Ok((rest, header)) = geneve_header::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len() - rest.len();
    let value = format!("VNI: 0x{:06x}", header.vni);
    pane.head(
        "Generic Network Virtualization Encapsulation",
        value,
        len,
        Some("geneve"),
    );
    pane.down();
    let first = pane.number(0..1);
    pane.bits("Version", "geneve.version", 0..1, 0xc0, first >> 6);
    let options = header.options.len();
    pane.bits(
        "Length",
        "geneve.option.length",
        0..1,
        0x3f,
        format_args!("{options} bytes"),
    );
    pane.hex("Flags", "geneve.flags", 1..2);
    pane.down();
    pane.flag(
        "Operations, Administration and Management Frame",
        "geneve.flags.oam",
        1..2,
        0x80,
    );
    pane.flag(
        "Critical Options Present",
        "geneve.flags.critical",
        1..2,
        0x40,
    );
    pane.up();
    let protocol = u64::from(header.protocol);
    pane.text(
        "Protocol Type",
        "geneve.proto_type",
        2..4,
        named_hex(ether_type(protocol), protocol),
    );
    pane.hex("Virtual Network Identifier (VNI)", "geneve.vni", 4..7);
    if options > 0 {
        pane.text("Options", "geneve.options", 8..len, hex(header.options));
    }
    len
}

pub(super) fn gtp(pane: &mut Pane<'_, '_>) -> usize {
    let Ok((rest, header)) = gtp_header::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len() - rest.len();
    pane.head("GPRS Tunneling Protocol", "", len, Some("gtp"));
    pane.down();
    pane.hex("Flags", "gtp.flags", 0..1);
    pane.down();
    pane.bits(
        "Version",
        "gtp.flags.version",
        0..1,
        0xe0,
        pane.number(0..1) >> 5,
    );
    pane.flag("Protocol type", "gtp.flags.payload", 0..1, 0x10);
    pane.flag(
        "Is Next Extension Header present?",
        "gtp.flags.e",
        0..1,
        0x04,
    );
    pane.flag("Is Sequence Number present?", "gtp.flags.s", 0..1, 0x02);
    pane.flag("Is N-PDU number present?", "gtp.flags.pn", 0..1, 0x01);
    pane.up();
    let name = match header.message {
        gtp_header::Header::T_PDU => "T-PDU",
        1 => "Echo request",
        2 => "Echo response",
        26 => "Error indication",
        254 => "End Marker",
        _ => "Unknown",
    };
    pane.text(
        "Message Type",
        "gtp.message",
        1..2,
        format_args!("{name} (0x{:02x})", header.message),
    );
    pane.plain("Length", "gtp.length", 2..4);
    pane.hex("TEID", "gtp.teid", 4..8);
    if header.sequence.is_some() {
        pane.plain("Sequence number", "gtp.seq_number", 8..10);
    }
    if len > 12 {
        let bytes = pane.bytes.get(12..len).unwrap_or_default();
        pane.text("Extension headers", "gtp.ext_hdr", 12..len, hex(bytes));
    }
    len
}

pub(super) fn erspan(pane: &mut Pane<'_, '_>, len: usize) -> usize {
    let len = len.max(8).min(pane.bytes.len());
    let version = pane.number(0..1) >> 4;
    let name = match version {
        2 => "Encapsulated Remote Switch Packet ANalysis Type III",
        _ => "Encapsulated Remote Switch Packet ANalysis Type II",
    };
    pane.head(name, "", len, Some("erspan"));
    pane.down();
    pane.bits("Version", "erspan.version", 0..2, 0xf000, version);
    pane.bits(
        "Vlan",
        "erspan.vlan",
        0..2,
        0x0fff,
        pane.number(0..2) & 0xfff,
    );
    pane.bits("COS", "erspan.cos", 2..4, 0xe000, pane.number(2..4) >> 13);
    pane.bits(
        "SpanID",
        "erspan.spanid",
        2..4,
        0x03ff,
        pane.number(2..4) & 0x3ff,
    );
    len
}

pub(super) fn l2tp(pane: &mut Pane<'_, '_>) -> usize {
    let Ok((rest, header)) = l2tp_header::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len() - rest.len();
    pane.head("Layer 2 Tunneling Protocol", "", len, Some("l2tp"));
    pane.down();
    let kind = if header.control {
        "Control Message"
    } else {
        "Data Message"
    };
    pane.bits("Type", "l2tp.type", 0..2, 0x8000, kind);
    pane.flag("Length Bit", "l2tp.length_bit", 0..2, 0x4000);
    pane.flag("Sequence Bit", "l2tp.seq_bit", 0..2, 0x0800);
    pane.flag("Offset bit", "l2tp.offset_bit", 0..2, 0x0200);
    pane.bits(
        "Version",
        "l2tp.version",
        0..2,
        0x000f,
        pane.number(0..2) & 15,
    );
    let mut at = 2;
    if let Some(length) = header.length {
        pane.text("Length", "l2tp.length", at..at + 2, length);
        if usize::from(length) > pane.bytes.len() {
            pane.health(Health::Odd);
        }
        at += 2;
    }
    pane.plain("Tunnel ID", "l2tp.tunnel", at..at + 2);
    pane.plain("Session ID", "l2tp.session", at + 2..at + 4);
    at += 4;
    if header.sequence.is_some() {
        pane.plain("Ns", "l2tp.Ns", at..at + 2);
        pane.plain("Nr", "l2tp.Nr", at + 2..at + 4);
        at += 4;
    }
    if header.offset.is_some() {
        pane.plain("Offset", "l2tp.offset", at..at + 2);
    }
    len
}
