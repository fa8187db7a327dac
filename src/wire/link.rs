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
            LinkType(number) => return write!(f, "link type {number}"),
        })
    }
}
