//! The interfaces of this host.

use std::net::IpAddr;

use crate::wire::LinkType;

/// An interface of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceFacts {
    /// Its name, as the kernel has it: not to be printed unescaped.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it has a carrier.
    pub is_running: bool,
    /// Whether it leads back to this host.
    pub is_loopback: bool,
    /// How its frames start.
    pub link: LinkType,
    /// Its hardware address, where it has one.
    pub hardware: Option<[u8; 6]>,
    /// Its addresses, each with the length of its prefix.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// All interfaces, by their numbers.
///
/// # Errors
/// When the system does not tell.
#[cfg(target_os = "linux")]
pub fn interfaces() -> std::io::Result<Vec<InterfaceFacts>> {
    use nix::ifaddrs::getifaddrs;
    use nix::net::if_::InterfaceFlags;

    let mut found: Vec<InterfaceFacts> = Vec::new();
    for entry in getifaddrs()? {
        let place = found
            .iter()
            .position(|each| each.name == entry.interface_name);
        let place = place.unwrap_or_else(|| {
            let flags = entry.flags;
            found.push(InterfaceFacts {
                name: entry.interface_name.clone(),
                is_up: flags.contains(InterfaceFlags::IFF_UP),
                is_running: flags.contains(InterfaceFlags::IFF_RUNNING),
                is_loopback: flags.contains(InterfaceFlags::IFF_LOOPBACK),
                ..InterfaceFacts::default()
            });
            found.len() - 1
        });
        let (Some(facts), Some(address)) = (found.get_mut(place), entry.address) else {
            continue;
        };
        let prefix = |octets: &[u8]| octets.iter().map(|octet| octet.count_ones()).sum::<u32>();
        if let Some(link) = address.as_link_addr() {
            facts.index = link.ifindex() as u32;
            facts.link = super::ring::link_of(link.hatype()).unwrap_or(LinkType::LINUX_SLL2);
            let has_address = facts.link == LinkType::ETHERNET && !facts.is_loopback;
            facts.hardware = link.addr().filter(|_| has_address);
        } else if let Some(four) = address.as_sockaddr_in() {
            let mask = entry
                .netmask
                .as_ref()
                .and_then(|mask| mask.as_sockaddr_in());
            let len = mask.map_or(32, |mask| prefix(&mask.ip().octets()));
            facts.addresses.push((four.ip().into(), len as u8));
        } else if let Some(six) = address.as_sockaddr_in6() {
            let mask = entry
                .netmask
                .as_ref()
                .and_then(|mask| mask.as_sockaddr_in6());
            let len = mask.map_or(128, |mask| prefix(&mask.ip().octets()));
            facts.addresses.push((six.ip().into(), len as u8));
        }
    }
    found.sort_by_key(|facts| facts.index);
    Ok(found)
}

/// All interfaces: on this system they are not known.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn interfaces() -> std::io::Result<Vec<InterfaceFacts>> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "interfaces can be listed on Linux only",
    ))
}
