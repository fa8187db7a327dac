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
