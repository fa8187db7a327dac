//! What numbers mean, in Wireshark's words.

use core::fmt;

/// Bytes of a value that are shown at most.
const SHOWN: usize = 64;

/// Bytes in hexadecimal, the first of them if they are many.
pub(super) fn hex(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let mut text: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    if shown.len() < bytes.len() {
        text.push_str("...");
    }
    text
}

/// A MAC address.
pub(super) struct Mac<'a>(pub(super) &'a [u8]);

impl fmt::Display for Mac<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// A number with its name, where it has one: `TCP (6)`.
pub(super) fn named(name: Option<&'static str>, number: impl fmt::Display) -> String {
    match name {
        Some(name) => format!("{name} ({number})"),
        None => format!("Unknown ({number})"),
    }
}

/// A number in hexadecimal with its name, where it has one: `IPv4 (0x0800)`.
pub(super) fn named_hex(name: Option<&'static str>, number: u64) -> String {
    named(name, format_args!("0x{number:04x}"))
}

/// EtherTypes (IEEE registration authority).
pub(super) fn ether_type(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x0842 => "Wake on LAN",
        0x6558 => "Transparent Ethernet bridging",
        0x8035 => "RARP",
        0x8100 => "802.1Q Virtual LAN",
        0x86dd => "IPv6",
        0x8808 => "MAC Control",
        0x8809 => "Slow Protocols",
        0x880b => "PPP",
        0x8847 => "MPLS label switched packet",
        0x8848 => "MPLS multicast",
        0x8863 => "PPPoE Discovery",
        0x8864 => "PPPoE Session",
        0x888e => "802.1X Authentication",
        0x88a8 => "802.1ad Provider Bridge (Q-in-Q)",
        0x88be => "Encapsulated Remote Switch Packet ANalysis",
        0x22eb => "Encapsulated Remote Switch Packet ANalysis 3",
        0x88cc => "802.1 Link Layer Discovery Protocol (LLDP)",
        0x88e7 => "802.1ah Provider Backbone Bridge (mac-in-mac)",
        0x9100 | 0x9200 | 0x9300 => "Q-in-Q (old)",
        _ => return None,
    })
}

/// IP protocols (IANA "Assigned Internet Protocol Numbers").
pub(super) fn ip_protocol(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "IPv6 Hop-by-Hop Option",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        17 => "UDP",
        33 => "DCCP",
        41 => "IPv6",
        43 => "Routing Header for IPv6",
        44 => "Fragment Header for IPv6",
        46 => "RSVP",
        47 => "Generic Routing Encapsulation",
        50 => "Encap Security Payload",
        51 => "Authentication Header",
        58 => "ICMPv6",
        59 => "No Next Header for IPv6",
        60 => "Destination Options for IPv6",
        88 => "EIGRP",
        89 => "OSPF IGP",
        103 => "Protocol Independent Multicast",
        112 => "VRRP",
        115 => "Layer 2 Tunneling",
        132 => "SCTP",
        135 => "Mobile IPv6",
        136 => "UDPLite",
        137 => "MPLS in IP",
        139 => "Host Identity Protocol",
        140 => "Site Multihoming by IPv6 Intermediation",
        _ => return None,
    })
}

/// Differentiated services codepoints (RFC 2474, RFC 2597, RFC 3246): short and long names.
pub(super) fn dscp(value: u64) -> (&'static str, &'static str) {
    match value {
        0 => ("CS0", "Default"),
        1 => ("LE", "Lower Effort"),
        8 => ("CS1", "Class Selector 1"),
        10 => ("AF11", "Assured Forwarding 11"),
        12 => ("AF12", "Assured Forwarding 12"),
        14 => ("AF13", "Assured Forwarding 13"),
        16 => ("CS2", "Class Selector 2"),
        18 => ("AF21", "Assured Forwarding 21"),
        20 => ("AF22", "Assured Forwarding 22"),
        22 => ("AF23", "Assured Forwarding 23"),
        24 => ("CS3", "Class Selector 3"),
        26 => ("AF31", "Assured Forwarding 31"),
        28 => ("AF32", "Assured Forwarding 32"),
        30 => ("AF33", "Assured Forwarding 33"),
        32 => ("CS4", "Class Selector 4"),
        34 => ("AF41", "Assured Forwarding 41"),
        36 => ("AF42", "Assured Forwarding 42"),
        38 => ("AF43", "Assured Forwarding 43"),
        40 => ("CS5", "Class Selector 5"),
        44 => ("VOICE-ADMIT", "Voice Admit"),
        46 => ("EF PHB", "Expedited Forwarding"),
        48 => ("CS6", "Class Selector 6"),
        56 => ("CS7", "Class Selector 7"),
        _ => ("Unknown", "Unknown"),
    }
}

/// Explicit congestion notification (RFC 3168): short and long names.
pub(super) fn ecn(value: u64) -> (&'static str, &'static str) {
    match value & 3 {
        0 => ("Not-ECT", "Not ECN-Capable Transport"),
        1 => ("ECT(1)", "ECN-Capable Transport codepoint '01'"),
        2 => ("ECT(0)", "ECN-Capable Transport codepoint '10'"),
        _ => ("CE", "Congestion Experienced"),
    }
}

/// PPP protocols (IANA "PPP DLL protocol numbers").
pub(super) fn ppp(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0021 => "Internet Protocol version 4",
        0x0031 => "Bridging PDU",
        0x0057 => "Internet Protocol version 6",
        0x0281 => "MPLS Unicast",
        0x0283 => "MPLS Multicast",
        0x8021 => "Internet Protocol Control Protocol",
        0x8057 => "IPv6 Control Protocol",
        0xc021 => "Link Control Protocol",
        0xc023 => "Password Authentication Protocol",
        0xc223 => "Challenge Handshake Authentication Protocol",
        _ => return None,
    })
}
