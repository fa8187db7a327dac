//! [`Expression`] → [`Condition`]: what a filter means on frames of one kind, as libpcap has it.
//!
//! The parts are taken in the order in which they were typed, since `vlan`, `mpls` and `pppoes`
//! change for everything behind them where headers stand, across `or` and parentheses.

use core::ops::Range;
use std::net::IpAddr;

use super::arithmetic;
use super::condition::{Comparison, Condition};
use super::error::{FilterError, Result};
use super::layout::{Layout, Target, compare, equal, ethertype, kernel, masked};
use super::names::{Names, PortOf};
use super::program::op;
use super::syntax::{Direction, Expression, Kind, Primitive, Protocol, Qualifier, Value};

/// What a filter means for this target.
pub(super) fn lower(expression: &Expression, target: Target, names: &Names) -> Result<Condition> {
    let Some(layout) = Layout::of(target) else {
        let (Target::Captured(link) | Target::Kernel(link)) = target else {
            return Ok(Condition::False);
        };
        if *expression == Expression::All {
            return Ok(Condition::True);
        }
        let reason = format!(
            "capture filters do not know frames of link type {}",
            link.name()
        );
        return Err(FilterError::new(0..usize::MAX, reason));
    };
    let whole = |tag_beside| {
        let mut layout = layout;
        layout.tag_beside = tag_beside;
        Lowering { layout, names }.expression(expression)
    };
    if matches!(target, Target::Captured(_)) || !asks_for_tags(expression) {
        return whole(false);
    }
    // The tag is beside the frame, or there is none, or its driver left it inside.
    let present = equal(kernel::VLAN_TAG_PRESENT, op::B, 1);
    Ok(Condition::any([
        Condition::all([present.clone(), whole(true)?]),
        Condition::all([present.not(), whole(false)?]),
    ]))
}

fn asks_for_tags(expression: &Expression) -> bool {
    match expression {
        Expression::All => false,
        Expression::And(a, b) | Expression::Or(a, b) => asks_for_tags(a) || asks_for_tags(b),
        Expression::Not(inner) => asks_for_tags(inner),
        Expression::Primitive(primitive, _) => matches!(primitive, Primitive::Vlan(_)),
    }
}

struct Lowering<'a> {
    layout: Layout,
    names: &'a Names,
}

/// Where a statement stands, for what is wrong with it.
type Place<'a> = &'a Range<usize>;

fn fail<T>(at: Place<'_>, reason: impl Into<String>) -> Result<T> {
    Err(FilterError::new(at.clone(), reason))
}

impl Lowering<'_> {
    fn expression(&mut self, expression: &Expression) -> Result<Condition> {
        Ok(match expression {
            Expression::All => Condition::True,
            Expression::And(a, b) => {
                let a = self.expression(a)?;
                Condition::all([a, self.expression(b)?])
            }
            Expression::Or(a, b) => {
                let a = self.expression(a)?;
                Condition::any([a, self.expression(b)?])
            }
            Expression::Not(inner) => self.expression(inner)?.not(),
            Expression::Primitive(primitive, at) => self.primitive(primitive, at)?,
        })
    }

    fn primitive(&mut self, primitive: &Primitive, at: Place<'_>) -> Result<Condition> {
        match primitive {
            Primitive::Protocol(protocol) => self.protocol(*protocol, at),
            Primitive::Address(qualifier, value) => self.address(*qualifier, value, at),
            Primitive::Relation(left, relation, right) => {
                arithmetic::relation(self.layout, left, *relation, right)
            }
            Primitive::Less(length) => Ok(arithmetic::length(Comparison::Greater, *length).not()),
            Primitive::Greater(length) => {
                Ok(arithmetic::length(Comparison::GreaterOrEqual, *length))
            }
            Primitive::Broadcast(protocol) => self.broadcast(*protocol, at),
            Primitive::Multicast(protocol) => self.multicast(*protocol, at),
            Primitive::Outbound(outbound) => self.outbound(*outbound, at),
            Primitive::Vlan(id) => self.vlan(*id, at),
            Primitive::Mpls(label) => self.mpls(*label, at),
            Primitive::PppoeDiscovery => Ok(self.layout.carries(ethertype::PPPOE_DISCOVERY)),
            Primitive::PppoeSession(session) => {
                let carried = self.layout.carries(ethertype::PPPOE_SESSION);
                let network = self.layout.network();
                let number = session.map_or(Condition::True, |session| {
                    equal(network.wrapping_add(2), op::H, session)
                });
                if session.is_some_and(|session| session > 0xffff) {
                    return fail(at, "a PPPoE session number is at most 65535");
                }
                self.layout.pass_session();
                Ok(Condition::all([carried, number]))
            }
        }
    }

    fn link(&self) -> String {
        match self.layout.target {
            Target::Captured(link) | Target::Kernel(link) => {
                format!("frames of link type {}", link.name())
            }
            Target::KernelAny => "several interfaces".to_owned(),
        }
    }

    /// `tcp`
    fn protocol(&self, protocol: Protocol, at: Place<'_>) -> Result<Condition> {
        Ok(match protocol {
            Protocol::Link => {
                return fail(at, format!("`{}` alone says nothing", protocol.word()));
            }
            Protocol::Ip => self.layout.carries(ethertype::IP),
            Protocol::Ip6 => self.layout.carries(ethertype::IP6),
            Protocol::Arp => self.layout.carries(ethertype::ARP),
            Protocol::Rarp => self.layout.carries(ethertype::RARP),
            Protocol::Icmp | Protocol::Igmp | Protocol::Igrp | Protocol::Vrrp => {
                self.ip_carries(protocol.number().unwrap_or(0))
            }
            Protocol::Icmp6 => self.ip6_carries(protocol.number().unwrap_or(0)),
            Protocol::Tcp
            | Protocol::Udp
            | Protocol::Sctp
            | Protocol::Pim
            | Protocol::Ah
            | Protocol::Esp => {
                let number = protocol.number().unwrap_or(0);
                Condition::any([self.ip_carries(number), self.ip6_carries(number)])
            }
        })
    }

    fn ip_carries(&self, number: u32) -> Condition {
        let protocol = self.layout.network().wrapping_add(9);
        Condition::all([
            self.layout.carries(ethertype::IP),
            equal(protocol, op::B, number),
        ])
    }

    /// In the next header field, or behind a fragment header there.
    fn ip6_carries(&self, number: u32) -> Condition {
        const FRAGMENT: u32 = 44;
        let network = self.layout.network();
        let next = network.wrapping_add(6);
        Condition::all([
            self.layout.carries(ethertype::IP6),
            Condition::any([
                equal(next, op::B, number),
                Condition::all([
                    equal(next, op::B, FRAGMENT),
                    equal(network.wrapping_add(40), op::B, number),
                ]),
            ]),
        ])
    }

    fn address(&self, qualifier: Qualifier, value: &Value, at: Place<'_>) -> Result<Condition> {
        match qualifier.kind {
            None | Some(Kind::Host | Kind::Net) => self.host(qualifier, value, at),
            Some(Kind::Port) => {
                let (range, of) = match value {
                    Value::Number(number) => ((*number, *number), PortOf::ANY),
                    Value::Name(name) => {
                        let (port, of) = self.service(name, at)?;
                        ((port, port), of)
                    }
                    _ => return fail(at, "a port is a number or a name"),
                };
                self.ports(qualifier, range, of, at)
            }
            Some(Kind::PortRange) => {
                let (range, of) = match value {
                    Value::Number(number) => ((*number, *number), PortOf::ANY),
                    Value::Name(name) => self.range(name, at)?,
                    _ => return fail(at, "a range of ports is written 8000-8080"),
                };
                self.ports(qualifier, range, of, at)
            }
            Some(Kind::Protocol) => self.number_of(qualifier, value, at),
        }
    }

    fn service(&self, name: &str, at: Place<'_>) -> Result<(u32, PortOf)> {
        match self.names.port(name) {
            Some(found) => Ok(found),
            None => fail(at, format!("no port is named `{name}` in /etc/services")),
        }
    }

    fn range(&self, text: &str, at: Place<'_>) -> Result<((u32, u32), PortOf)> {
        let number = |text: &str| text.parse().ok().filter(|&port: &u32| port <= 0xffff);
        if let Some((from, to)) = text.split_once('-')
            && let (Some(from), Some(to)) = (number(from), number(to))
        {
            return Ok(((from.min(to), from.max(to)), PortOf::ANY));
        }
        // Names may have a hyphen themselves.
        for (hyphen, _) in text.match_indices('-') {
            let (from, to) = (&text[..hyphen], &text[hyphen + 1..]);
            let find = |text: &str| match number(text) {
                Some(port) => Some((port, PortOf::ANY)),
                None => self.names.port(text),
            };
            if let (Some((from, of)), Some((to, also))) = (find(from), find(to)) {
                return Ok(((from.min(to), from.max(to)), of.both(also)));
            }
        }
        let (port, of) = self.service(text, at)?;
        Ok(((port, port), of))
    }

    fn ports(
        &self,
        qualifier: Qualifier,
        (from, to): (u32, u32),
        of: PortOf,
        at: Place<'_>,
    ) -> Result<Condition> {
        if to > 0xffff {
            return fail(at, format!("{to} is no port: the highest is 65535"));
        }
        let protocols: Vec<Protocol> = match qualifier.protocol {
            None => [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
                .into_iter()
                .filter(|&protocol| of.includes(protocol))
                .collect(),
            Some(protocol @ (Protocol::Tcp | Protocol::Udp | Protocol::Sctp)) => {
                if !of.includes(protocol) {
                    let word = protocol.word();
                    return fail(at, format!("/etc/services has no such port of {word}"));
                }
                vec![protocol]
            }
            Some(protocol) => {
                return fail(at, format!("`{}` has no ports", protocol.word()));
            }
        };
        let network = self.layout.network();
        let numbers = protocols.iter().filter_map(|protocol| protocol.number());
        let six = Condition::any(numbers.clone().map(|number| {
            Condition::all([
                equal(network.wrapping_add(6), op::B, number),
                directed(qualifier.direction, |source| {
                    let place = network.wrapping_add(if source { 40 } else { 42 });
                    in_range((from, to), |comparison, with| {
                        compare(place, op::H, comparison, with)
                    })
                }),
            ])
        }));
        let four = Condition::any(numbers.map(|number| {
            Condition::all([
                equal(network.wrapping_add(9), op::B, number),
                arithmetic::unfragmented(network),
                directed(qualifier.direction, |source| {
                    let offset = if source { 0 } else { 2 };
                    in_range((from, to), |comparison, with| {
                        arithmetic::behind_ip(network, offset, op::H, comparison, with)
                    })
                }),
            ])
        }));
        Ok(Condition::any([
            Condition::all([self.layout.carries(ethertype::IP6), six]),
            Condition::all([self.layout.carries(ethertype::IP), four]),
        ]))
    }

    /// `proto 6`, `ip proto 6`, `ether proto 0x800`
    fn number_of(&self, qualifier: Qualifier, value: &Value, at: Place<'_>) -> Result<Condition> {
        if qualifier.direction != Direction::Either {
            return fail(at, "a direction has no meaning for `proto`");
        }
        let named = |name: &str| match qualifier.protocol {
            Some(Protocol::Link) => self.names.ethertype(name),
            _ => self.names.protocol(name),
        };
        let number = match value {
            Value::Number(number) => *number,
            Value::Name(name) => match named(name) {
                Some(number) => number,
                None => return fail(at, format!("no protocol is named `{name}`")),
            },
            _ => return fail(at, "a protocol is a number or a name"),
        };
        match qualifier.protocol {
            None => Ok(Condition::any([
                self.ip_carries(number),
                self.ip6_carries(number),
            ])),
            Some(Protocol::Ip) => Ok(self.ip_carries(number)),
            Some(Protocol::Ip6) => Ok(self.ip6_carries(number)),
            Some(Protocol::Link) => Ok(self.layout.carries(number)),
            Some(protocol) => fail(at, format!("`{} proto` has no meaning", protocol.word())),
        }
    }

    fn host(&self, qualifier: Qualifier, value: &Value, at: Place<'_>) -> Result<Condition> {
        let is_net = qualifier.kind == Some(Kind::Net);
        if let Value::Net4(_, mask) = value
            && !is_net
            && *mask != u32::MAX
        {
            return fail(at, "a network needs `net` before it");
        }
        if let Value::Net6(_, len) = value
            && !is_net
            && *len != 128
        {
            return fail(at, "a network needs `net` before it");
        }
        match value {
            Value::Mac(address) => self.hardware(qualifier, *address, at),
            _ if qualifier.protocol == Some(Protocol::Link) => fail(
                at,
                "a hardware address such as 02:00:00:00:00:01 is missing here",
            ),
            Value::Number(number) => {
                // `net 10` is 10.0.0.0/8, `host 10` is 0.0.0.10.
                let (mut address, mut mask) = (*number, u32::MAX);
                while is_net && address != 0 && address & 0xff00_0000 == 0 {
                    address <<= 8;
                    mask <<= 8;
                }
                self.ip_host(qualifier, address, mask, at)
            }
            Value::Dotted(octets, count) => {
                let mask = u32::MAX << (32 - 8 * u32::from(*count));
                self.ip_host(qualifier, u32::from_be_bytes(*octets), mask, at)
            }
            Value::Net4(address, mask) => self.ip_host(qualifier, *address, *mask, at),
            Value::Net6(address, len) => {
                let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
                self.ip6_host(qualifier, address.to_bits(), mask, at)
            }
            Value::Name(name) => self.named_host(qualifier, name, at),
        }
    }

    fn named_host(&self, qualifier: Qualifier, name: &str, at: Place<'_>) -> Result<Condition> {
        if qualifier.kind == Some(Kind::Net) {
            return fail(at, "networks have no names here: write the address");
        }
        let wanted = |address: &&IpAddr| match qualifier.protocol {
            Some(Protocol::Ip6) => address.is_ipv6(),
            None => true,
            Some(_) => address.is_ipv4(),
        };
        let addresses = self.names.host(name);
        let mut found = Vec::new();
        for address in addresses.iter().filter(wanted) {
            // A name is looked for in IP alone.
            let of = |protocol| Qualifier {
                protocol: Some(qualifier.protocol.unwrap_or(protocol)),
                ..qualifier
            };
            found.push(match address {
                IpAddr::V4(four) => self.ip_host(of(Protocol::Ip), four.to_bits(), u32::MAX, at)?,
                IpAddr::V6(six) => {
                    self.ip6_host(of(Protocol::Ip6), six.to_bits(), u128::MAX, at)?
                }
            });
        }
        if found.is_empty() {
            return fail(
                at,
                format!("no address of `{name}` in /etc/hosts (the DNS is not asked)"),
            );
        }
        Ok(Condition::any(found))
    }

    fn ip_host(
        &self,
        qualifier: Qualifier,
        address: u32,
        mask: u32,
        at: Place<'_>,
    ) -> Result<Condition> {
        let at_offsets = |protocol, source: u32, destination: u32| {
            let network = self.layout.network();
            Condition::all([
                self.layout.carries(protocol),
                directed(qualifier.direction, |is_source| {
                    let offset = if is_source { source } else { destination };
                    masked(network.wrapping_add(offset), op::W, address, mask)
                }),
            ])
        };
        let ip = || at_offsets(ethertype::IP, 12, 16);
        let arp = || at_offsets(ethertype::ARP, 14, 24);
        let rarp = || at_offsets(ethertype::RARP, 14, 24);
        match qualifier.protocol {
            // Nothing but IP is told behind labels.
            None if self.layout.is_labelled() => Ok(ip()),
            None => Ok(Condition::any([ip(), arp(), rarp()])),
            Some(Protocol::Ip) => Ok(ip()),
            Some(Protocol::Arp) => Ok(arp()),
            Some(Protocol::Rarp) => Ok(rarp()),
            Some(protocol) => fail(at, format!("`{}` has no IPv4 addresses", protocol.word())),
        }
    }

    fn ip6_host(
        &self,
        qualifier: Qualifier,
        address: u128,
        mask: u128,
        at: Place<'_>,
    ) -> Result<Condition> {
        if let Some(protocol) = qualifier.protocol
            && protocol != Protocol::Ip6
        {
            return fail(at, format!("`{}` has no IPv6 addresses", protocol.word()));
        }
        let network = self.layout.network();
        let word = |bits: u128, index: u32| (bits >> (96 - 32 * index)) as u32;
        Ok(Condition::all([
            self.layout.carries(ethertype::IP6),
            directed(qualifier.direction, |source| {
                let start = network.wrapping_add(if source { 8 } else { 24 });
                Condition::all((0..4).map(|index| {
                    let place = start.wrapping_add(4 * index);
                    masked(place, op::W, word(address, index), word(mask, index))
                }))
            }),
        ]))
    }

    fn hardware(&self, qualifier: Qualifier, address: [u8; 6], at: Place<'_>) -> Result<Condition> {
        if qualifier.protocol != Some(Protocol::Link) || qualifier.kind == Some(Kind::Net) {
            return fail(at, "a hardware address needs `ether host` before it");
        }
        if !self.layout.is_ethernet() {
            return fail(at, format!("no hardware addresses on {}", self.link()));
        }
        Ok(directed(qualifier.direction, |source| {
            self.is_hardware(if source { 6 } else { 0 }, address)
        }))
    }

    fn is_hardware(&self, offset: u32, address: [u8; 6]) -> Condition {
        let [a, b, c, d, e, f] = address;
        let start = self.layout.link.wrapping_add(offset);
        let (high, low) = (
            u32::from_be_bytes([0, 0, a, b]),
            u32::from_be_bytes([c, d, e, f]),
        );
        Condition::all([
            equal(start.wrapping_add(2), op::W, low),
            equal(start, op::H, high),
        ])
    }

    fn broadcast(&self, protocol: Option<Protocol>, at: Place<'_>) -> Result<Condition> {
        match protocol {
            None | Some(Protocol::Link) if self.layout.is_ethernet() => {
                Ok(self.is_hardware(0, [0xff; 6]))
            }
            None | Some(Protocol::Link) => {
                fail(at, format!("no broadcast addresses on {}", self.link()))
            }
            Some(Protocol::Ip) => fail(
                at,
                "`ip broadcast` needs the network's mask, which is not known; \
                 write the address: `dst host 192.0.2.255`",
            ),
            Some(protocol) => fail(at, format!("`{}` has no broadcast", protocol.word())),
        }
    }

    fn multicast(&self, protocol: Option<Protocol>, at: Place<'_>) -> Result<Condition> {
        let network = self.layout.network();
        match protocol {
            None | Some(Protocol::Link) if self.layout.is_ethernet() => {
                Ok(masked(self.layout.link, op::B, 1, 1))
            }
            None | Some(Protocol::Link) => {
                fail(at, format!("no multicast addresses on {}", self.link()))
            }
            Some(Protocol::Ip) => Ok(Condition::all([
                self.layout.carries(ethertype::IP),
                compare(
                    network.wrapping_add(16),
                    op::B,
                    Comparison::GreaterOrEqual,
                    224,
                ),
            ])),
            Some(Protocol::Ip6) => Ok(Condition::all([
                self.layout.carries(ethertype::IP6),
                equal(network.wrapping_add(24), op::B, 255),
            ])),
            Some(protocol) => fail(at, format!("`{}` has no multicast", protocol.word())),
        }
    }

    fn outbound(&self, outbound: bool, at: Place<'_>) -> Result<Condition> {
        use crate::wire::LinkType;
        let sent = match self.layout.target {
            Target::Kernel(_) | Target::KernelAny => {
                equal(kernel::PACKET_TYPE, op::B, kernel::OUTGOING)
            }
            Target::Captured(LinkType::LINUX_SLL) => equal(0, op::H, kernel::OUTGOING),
            Target::Captured(LinkType::LINUX_SLL2) => equal(10, op::B, kernel::OUTGOING),
            Target::Captured(_) => {
                return fail(at, format!("no direction is recorded in {}", self.link()));
            }
        };
        Ok(if outbound { sent } else { sent.not() })
    }

    fn vlan(&mut self, id: Option<u32>, at: Place<'_>) -> Result<Condition> {
        if id.is_some_and(|id| id > 4095) {
            return fail(at, "a VLAN is numbered 4095 at most");
        }
        if self.layout.is_labelled() {
            return fail(at, "no VLAN tag comes after an MPLS label");
        }
        if self.layout.tag_beside {
            self.layout.pass_vlan();
            return Ok(id.map_or(Condition::True, |id| {
                masked(kernel::VLAN_TAG, op::H, id, 0xfff)
            }));
        }
        if !self.layout.is_ethernet() {
            return fail(at, format!("no VLAN tags on {}", self.link()));
        }
        let tagged = Condition::any(ethertype::VLAN.map(|each| self.layout.carries(each)));
        let tag = self.layout.network();
        self.layout.pass_vlan();
        Ok(Condition::all([
            tagged,
            id.map_or(Condition::True, |id| masked(tag, op::H, id, 0xfff)),
        ]))
    }

    fn mpls(&mut self, label: Option<u32>, at: Place<'_>) -> Result<Condition> {
        if label.is_some_and(|label| label > 0xf_ffff) {
            return fail(at, "an MPLS label is at most 1048575");
        }
        let network = self.layout.network();
        let carried = if self.layout.is_labelled() {
            // The label before is not the last.
            masked(network.wrapping_sub(2), op::B, 0, 1)
        } else if self.layout.is_ethernet() {
            self.layout.carries(ethertype::MPLS)
        } else {
            return fail(at, format!("no MPLS labels on {}", self.link()));
        };
        self.layout.pass_label();
        Ok(Condition::all([
            carried,
            label.map_or(Condition::True, |label| {
                masked(network, op::W, label << 12, 0xffff_f000)
            }),
        ]))
    }
}

/// The same asked of the source, the destination, either or both.
fn directed(direction: Direction, ask: impl Fn(bool) -> Condition) -> Condition {
    match direction {
        Direction::Source => ask(true),
        Direction::Destination => ask(false),
        Direction::Either => Condition::any([ask(true), ask(false)]),
        Direction::Both => Condition::all([ask(true), ask(false)]),
    }
}

fn in_range((from, to): (u32, u32), compare: impl Fn(Comparison, u32) -> Condition) -> Condition {
    if from == to {
        return compare(Comparison::Equal, from);
    }
    Condition::all([
        compare(Comparison::GreaterOrEqual, from),
        compare(Comparison::Greater, to).not(),
    ])
}
