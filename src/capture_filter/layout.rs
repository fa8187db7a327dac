//! Where in a frame its headers stand, and how it says what comes next.

use super::condition::{Comparison, Condition, Operand, Test};
use super::program::{Instruction, op};
use crate::wire::LinkType;

/// Ethertypes.
pub(super) mod ethertype {
    pub(in super::super) const IP: u32 = 0x0800;
    pub(in super::super) const ARP: u32 = 0x0806;
    pub(in super::super) const RARP: u32 = 0x8035;
    pub(in super::super) const IP6: u32 = 0x86dd;
    pub(in super::super) const VLAN: [u32; 3] = [0x8100, 0x88a8, 0x9100];
    pub(in super::super) const MPLS: u32 = 0x8847;
    pub(in super::super) const PPPOE_DISCOVERY: u32 = 0x8863;
    pub(in super::super) const PPPOE_SESSION: u32 = 0x8864;
}

/// What Linux answers when a program loads from these places (`linux/filter.h`).
pub(super) mod kernel {
    const AD: i32 = -0x1000;
    pub(in super::super) const PROTOCOL: u32 = AD as u32;
    pub(in super::super) const PACKET_TYPE: u32 = (AD + 4) as u32;
    pub(in super::super) const HARDWARE_TYPE: u32 = (AD + 28) as u32;
    pub(in super::super) const VLAN_TAG: u32 = (AD + 44) as u32;
    pub(in super::super) const VLAN_TAG_PRESENT: u32 = (AD + 48) as u32;
    /// The network header is at this place, whatever is before it.
    pub(in super::super) const NETWORK: u32 = -0x10_0000_i32 as u32;
    /// … and the link header at this.
    pub(in super::super) const LINK: u32 = -0x20_0000_i32 as u32;
    /// ARPHRD_LOOPBACK
    pub(in super::super) const LOOPBACK: u32 = 772;
    /// The packet type of what this host sends.
    pub(in super::super) const OUTGOING: u32 = 4;
}

/// Who runs the program, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// [`Program::takes`](super::Program::takes), on captured frames of this link type.
    Captured(LinkType),
    /// Linux, on a packet socket bound to one interface of this link type. The kernel has taken
    /// the outermost VLAN tag out of the frame and keeps it beside.
    Kernel(LinkType),
    /// Linux, on a packet socket bound to no interface: whatever the link types are, the kernel
    /// knows where the network header is.
    KernelAny,
}

/// How what comes next is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// By an ethertype at `linktype`.
    Ethertype,
    /// By nothing but the version in the first nibble.
    Version,
    /// It is always IPv4, or IPv6.
    Always(u32),
    /// By an address family in either byte order.
    Family,
    /// By a PPP protocol number.
    Ppp,
    /// By the ethertype that the kernel keeps beside the packet.
    Kernel,
}

/// Where headers stand, as far as the filter has come: `vlan`, `mpls` and `pppoes` move them for
/// what is written after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) target: Target,
    next: Next,
    /// Where the link header is.
    pub(super) link: u32,
    /// Where the field is that says what comes next.
    linktype: u32,
    /// Where the network header is, but for MPLS.
    pub(super) payload: u32,
    /// Octets of MPLS labels before it.
    labels: u32,
    /// Whether the outermost VLAN tag, kept beside the frame, is yet to be asked for.
    pub(super) tag_beside: bool,
}

impl Layout {
    /// None for link types whose headers are not known here.
    pub(super) fn of(target: Target) -> Option<Self> {
        let (next, link, linktype, payload) = match target {
            Target::KernelAny => (
                Next::Kernel,
                kernel::LINK,
                kernel::PROTOCOL,
                kernel::NETWORK,
            ),
            Target::Captured(link) | Target::Kernel(link) => match link {
                LinkType::ETHERNET => (Next::Ethertype, 0, 12, 14),
                LinkType::LINUX_SLL => (Next::Ethertype, 0, 14, 16),
                LinkType::LINUX_SLL2 => (Next::Ethertype, 0, 0, 20),
                LinkType::NULL | LinkType::LOOP => (Next::Family, 0, 0, 4),
                LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => {
                    (Next::Version, 0, 0, 0)
                }
                LinkType::IPV4 => (Next::Always(ethertype::IP), 0, 0, 0),
                LinkType::IPV6 => (Next::Always(ethertype::IP6), 0, 0, 0),
                _ => return None,
            },
        };
        Some(Self {
            target,
            next,
            link,
            linktype,
            payload,
            labels: 0,
            tag_beside: false,
        })
    }

    /// Where the network header is.
    pub(super) fn network(&self) -> u32 {
        self.payload.wrapping_add(self.labels)
    }

    pub(super) fn is_labelled(&self) -> bool {
        self.labels > 0
    }

    /// Whether frames have an Ethernet header, for what is asked of hardware addresses.
    pub(super) fn is_ethernet(&self) -> bool {
        match self.target {
            Target::Captured(link) | Target::Kernel(link) => link == LinkType::ETHERNET,
            // Interfaces without one have nothing there that looks like the address.
            Target::KernelAny => true,
        }
    }

    /// Whether what comes next is this ethertype.
    pub(super) fn carries(&self, protocol: u32) -> Condition {
        if self.labels > 0 {
            // The last label, and then nothing but the version.
            let Some(version) = version(protocol) else {
                return Condition::False;
            };
            let bottom = masked(self.network().wrapping_sub(2), op::B, 1, 1);
            return Condition::all([bottom, masked(self.network(), op::B, version, 0xf0)]);
        }
        match self.next {
            // A length, of what LLC frames carry.
            Next::Ethertype if protocol <= 1500 => Condition::all([
                compare(self.linktype, op::H, Comparison::Greater, 1500).not(),
                equal(self.payload, op::B, protocol),
            ]),
            Next::Ethertype | Next::Kernel => equal(self.linktype, op::H, protocol),
            Next::Version => match version(protocol) {
                Some(version) => masked(self.payload, op::B, version, 0xf0),
                None => Condition::False,
            },
            Next::Always(always) if always == protocol => Condition::True,
            Next::Always(_) => Condition::False,
            Next::Family => {
                // IPv4 is 2 everywhere; IPv6 as each system numbers it (`wire::loopback`).
                let families: &[u32] = match protocol {
                    ethertype::IP => &[2],
                    ethertype::IP6 => &[10, 24, 28, 30],
                    _ => return Condition::False,
                };
                let either = |&family: &u32| [family, family.swap_bytes()];
                let families = families.iter().flat_map(either);
                Condition::any(families.map(|family| equal(self.linktype, op::W, family)))
            }
            Next::Ppp => {
                let number = match protocol {
                    ethertype::IP => 0x21,
                    ethertype::IP6 => 0x57,
                    ethertype::MPLS => 0x281,
                    other => other,
                };
                equal(self.linktype, op::H, number)
            }
        }
    }

    /// A VLAN tag is passed: the type comes behind it.
    pub(super) fn pass_vlan(&mut self) {
        if self.tag_beside {
            self.tag_beside = false;
            return;
        }
        if self.next == Next::Kernel {
            // The kernel keeps the tag's type: the one behind it stands in the frame.
            self.next = Next::Ethertype;
            self.linktype = self.payload.wrapping_add(2);
        } else {
            self.linktype = self.linktype.wrapping_add(4);
        }
        self.payload = self.payload.wrapping_add(4);
    }

    /// An MPLS label is passed.
    pub(super) fn pass_label(&mut self) {
        self.labels += 4;
    }

    /// A PPPoE session header is passed.
    pub(super) fn pass_session(&mut self) {
        self.next = Next::Ppp;
        self.linktype = self.network().wrapping_add(6);
        self.payload = self.linktype.wrapping_add(2);
        self.labels = 0;
    }
}

/// The version nibble of IPv4 or IPv6.
fn version(protocol: u32) -> Option<u32> {
    match protocol {
        ethertype::IP => Some(0x40),
        ethertype::IP6 => Some(0x60),
        _ => None,
    }
}

/// A comparison of what stands at a place.
pub(super) fn compare(at: u32, size: u16, comparison: Comparison, with: u32) -> Condition {
    Condition::Test(Test {
        code: vec![Instruction::new(op::LD | op::ABS | size, at)],
        comparison,
        with: Operand::Constant(with),
    })
}

pub(super) fn equal(at: u32, size: u16, with: u32) -> Condition {
    compare(at, size, Comparison::Equal, with)
}

/// Whether these bits of what stands at a place are so.
pub(super) fn masked(at: u32, size: u16, with: u32, mask: u32) -> Condition {
    let whole = match size {
        op::B => 0xff,
        op::H => 0xffff,
        _ => u32::MAX,
    };
    if mask & whole == whole {
        return equal(at, size, with);
    }
    if mask == 0 {
        return Condition::True;
    }
    Condition::Test(Test {
        code: vec![
            Instruction::new(op::LD | op::ABS | size, at),
            Instruction::new(op::ALU | op::AND | op::K, mask),
        ],
        comparison: Comparison::Equal,
        with: Operand::Constant(with),
    })
}
