//! Names of ports, hosts and protocols, from the files of this host: /etc/services, /etc/hosts,
//! /etc/protocols. Nobody is asked over the network.

use std::fs;
use std::net::IpAddr;
use std::sync::OnceLock;

use super::syntax::Protocol;

/// Where names are looked up: read when the first name is, and kept.
#[derive(Debug, Default)]
pub(super) struct Names {
    services: OnceLock<String>,
    hosts: OnceLock<String>,
    protocols: OnceLock<String>,
}

/// Which protocols have a port of some name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PortOf {
    tcp: bool,
    udp: bool,
}

impl PortOf {
    /// All, as for a number.
    pub(super) const ANY: Self = Self {
        tcp: true,
        udp: true,
    };

    /// What either has.
    pub(super) fn both(self, other: Self) -> Self {
        Self {
            tcp: self.tcp || other.tcp,
            udp: self.udp || other.udp,
        }
    }

    /// SCTP has a port where both others have it: then the name is not of one of them.
    pub(super) fn includes(self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
            _ => self.tcp && self.udp,
        }
    }
}

impl Names {
    /// Names from these texts, in the formats of /etc/services, /etc/hosts and /etc/protocols.
    #[cfg(test)]
    pub(super) fn of(services: &str, hosts: &str, protocols: &str) -> Self {
        let names = Self::default();
        let _ = names.services.set(services.to_owned());
        let _ = names.hosts.set(hosts.to_owned());
        let _ = names.protocols.set(protocols.to_owned());
        names
    }

    pub(super) fn port(&self, name: &str) -> Option<(u32, PortOf)> {
        let mut found: Option<(u32, PortOf)> = None;
        for words in lines(file(&self.services, "/etc/services")) {
            let Some((first, rest)) = words.split_first() else {
                continue;
            };
            let Some((place, aliases)) = rest.split_first() else {
                continue;
            };
            if *first != name && !aliases.contains(&name) {
                continue;
            }
            let Some((port, protocol)) = place.split_once('/') else {
                continue;
            };
            let of = PortOf {
                tcp: protocol == "tcp",
                udp: protocol == "udp",
            };
            let Ok(port) = port.parse() else { continue };
            found = match found {
                None if of.tcp || of.udp => Some((port, of)),
                Some((known, before)) if known == port => Some((port, before.both(of))),
                other => other,
            };
        }
        found
    }

    /// All addresses of a host.
    pub(super) fn host(&self, name: &str) -> Vec<IpAddr> {
        let named = |words: Vec<&str>| {
            let (address, names) = words.split_first()?;
            let is_named = names.iter().any(|each| each.eq_ignore_ascii_case(name));
            address.parse().ok().filter(|_| is_named)
        };
        lines(file(&self.hosts, "/etc/hosts"))
            .filter_map(named)
            .collect()
    }

    /// The number of a protocol that IP carries.
    pub(super) fn protocol(&self, name: &str) -> Option<u32> {
        let known = Protocol::of(name).and_then(Protocol::number);
        known.or_else(|| {
            lines(file(&self.protocols, "/etc/protocols"))
                .find(|words| words.contains(&name))
                .and_then(|words| words.get(1)?.parse().ok())
        })
    }

    /// The ethertype of a protocol.
    pub(super) fn ethertype(&self, name: &str) -> Option<u32> {
        const ETHERTYPES: [(&str, u32); 12] = [
            ("ip", 0x0800),
            ("arp", 0x0806),
            ("rarp", 0x8035),
            ("ip6", 0x86dd),
            ("atalk", 0x809b),
            ("aarp", 0x80f3),
            ("decnet", 0x6003),
            ("lat", 0x6004),
            ("sca", 0x6007),
            ("moprc", 0x6002),
            ("mopdl", 0x6001),
            ("loopback", 0x9000),
        ];
        let found = ETHERTYPES.iter().find(|(each, _)| *each == name);
        found.map(|&(_, number)| number)
    }
}

fn file<'a>(kept: &'a OnceLock<String>, path: &str) -> &'a str {
    kept.get_or_init(|| fs::read_to_string(path).unwrap_or_default())
}

/// The words of each line, without comments.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| {
        let line = line.split('#').next().unwrap_or("");
        line.split_whitespace().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let names = Names::of(
            "# ports\nhttp 80/tcp www # web\ndomain 53/tcp\ndomain 53/udp\nsyslog 514/udp\nshell 514/tcp\n",
            "127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.7 box box.example\n",
            "ospf 89 OSPFIGP\n",
        );
        let tcp = PortOf {
            tcp: true,
            udp: false,
        };
        let udp = PortOf {
            tcp: false,
            udp: true,
        };
        assert_eq!(names.port("www"), Some((80, tcp)));
        assert_eq!(names.port("domain"), Some((53, PortOf::ANY)));
        assert_eq!(names.port("syslog"), Some((514, udp)));
        assert_eq!(names.port("nothing"), None);
        assert_eq!(names.host("localhost").len(), 2);
        assert_eq!(names.host("BOX.example").len(), 1);
        assert_eq!(names.protocol("OSPFIGP"), Some(89));
        assert_eq!(names.protocol("tcp"), Some(6));
        assert_eq!(names.ethertype("ip6"), Some(0x86dd));
    }
}
