//! Link types: how a frame starts.

/// How a frame starts: the number space of the tcpdump group's link-layer header types, as
/// pcap and pcapng files use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

#[allow(missing_docs)]
impl LinkType {
    pub const NULL: Self = Self(0);
    pub const ETHERNET: Self = Self(1);
    pub const PPP: Self = Self(9);
    pub const FDDI: Self = Self(10);
    /// PPP in HDLC-like framing, with or without the address and control octets.
    pub const PPP_SERIAL: Self = Self(50);
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, by the version nibble. 12 and 14 are what some systems write for it.
    pub const RAW: Self = Self(101);
    pub const RAW_BSD: Self = Self(12);
    pub const RAW_OPENBSD: Self = Self(14);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    pub const LOOP: Self = Self(108);
    pub const LINUX_SLL: Self = Self(113);
    pub const IEEE802_11: Self = Self(105);
    /// IEEE 802.11 after a radiotap header.
    pub const RADIOTAP: Self = Self(127);
    /// PPP with a direction octet in place of the address octet.
    pub const PPP_PPPD: Self = Self(166);
    /// PPP after a direction octet.
    pub const PPP_WITH_DIR: Self = Self(204);
    pub const IPV4: Self = Self(228);
    pub const IPV6: Self = Self(229);
    /// Netfilter's log.
    pub const NFLOG: Self = Self(239);
    pub const LINUX_SLL2: Self = Self(276);
    /// Token ring.
    pub const IEEE802_5: Self = Self(6);
    pub const ARCNET_BSD: Self = Self(7);
    /// LLC over ATM. 11 is what some systems write for it.
    pub const ATM_RFC1483: Self = Self(100);
    pub const ATM_RFC1483_BSD: Self = Self(11);
    /// Frame relay.
    pub const FRELAY: Self = Self(107);
    /// IEEE 802.11 after a Prism header, or one of AVS.
    pub const IEEE802_11_PRISM: Self = Self(119);
    pub const IP_OVER_FC: Self = Self(122);
    pub const SUNATM: Self = Self(123);
    pub const ARCNET_LINUX: Self = Self(129);
    /// IEEE 802.11 after an AVS header.
    pub const IEEE802_11_AVS: Self = Self(163);
    pub const JUNIPER_ETHER: Self = Self(178);
    pub const JUNIPER_PPP: Self = Self(179);
    pub const JUNIPER_FRELAY: Self = Self(180);
    pub const JUNIPER_CHDLC: Self = Self(181);
    /// An Endace record.
    pub const ERF: Self = Self(197);
    /// Ethernet from a netANALYZER card, and with its preamble.
    pub const NETANALYZER: Self = Self(240);
    pub const NETANALYZER_TRANSPARENT: Self = Self(241);
    /// Any of the others, named by a header before it.
    pub const PKTAP: Self = Self(258);
}

impl LinkType {
    /// The name as it is printed; a number for those without.
    pub fn name(self) -> impl core::fmt::Display {
        Name(self)
    }
}

struct Name(LinkType);

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self.0 {
            LinkType::NULL => "NULL",
            LinkType::ETHERNET => "Ethernet",
            LinkType::PPP | LinkType::PPP_SERIAL | LinkType::PPP_PPPD | LinkType::PPP_WITH_DIR => {
                "PPP"
            }
            LinkType::PPP_ETHER => "PPPoE",
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => "raw IP",
            LinkType::C_HDLC => "Cisco HDLC",
            LinkType::LOOP => "LOOP",
            LinkType::LINUX_SLL => "Linux cooked v1",
            LinkType::LINUX_SLL2 => "Linux cooked v2",
            LinkType::IPV4 => "raw IPv4",
            LinkType::IPV6 => "raw IPv6",
            LinkType::FDDI => "FDDI",
            LinkType::IEEE802_5 => "token ring",
            LinkType::IEEE802_11 => "802.11",
            LinkType::RADIOTAP => "802.11 with radiotap",
            LinkType::IEEE802_11_PRISM => "802.11 with Prism header",
            LinkType::IEEE802_11_AVS => "802.11 with AVS header",
            LinkType::NFLOG => "NFLOG",
            LinkType::ARCNET_BSD | LinkType::ARCNET_LINUX => "ARCNET",
            LinkType::ATM_RFC1483 | LinkType::ATM_RFC1483_BSD => "ATM (LLC)",
            LinkType::SUNATM => "SunATM",
            LinkType::FRELAY => "frame relay",
            LinkType::IP_OVER_FC => "IP over Fibre Channel",
            LinkType::JUNIPER_ETHER => "Juniper Ethernet",
            LinkType::JUNIPER_PPP => "Juniper PPP",
            LinkType::JUNIPER_FRELAY => "Juniper frame relay",
            LinkType::JUNIPER_CHDLC => "Juniper Cisco HDLC",
            LinkType::ERF => "ERF",
            LinkType::NETANALYZER | LinkType::NETANALYZER_TRANSPARENT => "netANALYZER",
            LinkType::PKTAP => "PKTAP",
            LinkType(number) => return write!(f, "link type {number}"),
        })
    }
}
