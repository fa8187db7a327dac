//! The names of the layers a frame can have.

use core::fmt;

/// A protocol layer, named as users of tcpdump and Wireshark name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Layer {
    /// No layer: the value of unused places.
    #[default]
    None,
    Ethernet,
    /// IEEE 802.3 length framing with an LLC header.
    Llc,
    Snap,
    Vlan,
    Mpls,
    Pppoe,
    Ppp,
    LinuxSll,
    LinuxSll2,
    /// BSD loopback (NULL and LOOP).
    Loopback,
    Raw,
    Arp,
    Ipv4,
    Ipv6,
    /// An IPv6 extension header or IPv4/IPv6 AH.
    Extension,
    Fragment,
    Gre,
    Vxlan,
    Geneve,
    Gtp,
    /// A mirrored frame in GRE (ERSPAN types I to III).
    Erspan,
    /// IEEE 802.1ah provider backbone bridging.
    Pbb,
    /// Cisco HDLC.
    Chdlc,
    /// L2TP version 2.
    L2tp,
    Fddi,
    /// IEEE 802.5.
    TokenRing,
    Arcnet,
    FrameRelay,
    /// The header of SunATM.
    Atm,
    /// The network header of IP over Fibre Channel.
    FibreChannel,
    /// What a capture program or card put before the frame.
    CaptureHeader,
    Teredo,
    Nflog,
    Radiotap,
    Ieee80211,
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
    /// The link type itself is not known.
    Link,
    /// An IP protocol that is not decoded.
    OtherIp,
}

impl Layer {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Ethernet => "Ethernet",
            Self::Llc => "LLC",
            Self::Snap => "SNAP",
            Self::Vlan => "802.1Q",
            Self::Mpls => "MPLS",
            Self::Pppoe => "PPPoE",
            Self::Ppp => "PPP",
            Self::LinuxSll => "SLL",
            Self::LinuxSll2 => "SLL2",
            Self::Loopback => "loopback",
            Self::Raw => "raw IP",
            Self::Arp => "ARP",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Extension => "IP extension header",
            Self::Fragment => "IP fragment",
            Self::Gre => "GRE",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Gtp => "GTP-U",
            Self::Erspan => "ERSPAN",
            Self::Pbb => "802.1ah",
            Self::Chdlc => "Cisco HDLC",
            Self::L2tp => "L2TP",
            Self::Fddi => "FDDI",
            Self::TokenRing => "token ring",
            Self::Arcnet => "ARCNET",
            Self::FrameRelay => "frame relay",
            Self::Atm => "ATM",
            Self::FibreChannel => "Fibre Channel",
            Self::CaptureHeader => "capture header",
            Self::Teredo => "Teredo",
            Self::Nflog => "NFLOG",
            Self::Radiotap => "radiotap",
            Self::Ieee80211 => "802.11",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMPv6",
            Self::Link => "link type",
            Self::OtherIp => "IP payload",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
