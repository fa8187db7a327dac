//! What is copied of a line.

use super::snapshot::Line;

/// Its sockets, the client's first; an address; the text of a finding.
pub(super) fn sockets(line: &Line) -> Option<String> {
    let socket = |address: &str, port: u16| {
        if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        }
    };
    let both = |addresses: &[String; 2], ports: &[u16; 2]| {
        let [client, server] = addresses;
        format!("{} {}", socket(client, ports[0]), socket(server, ports[1]))
    };
    match line {
        Line::Connection(line) => Some(both(&line.addresses, &line.ports)),
        Line::Udp(line) => Some(both(&line.addresses, &line.ports)),
        Line::Host(line) => Some(line.address.clone()),
        Line::Finding(line) => Some(line.text.clone()),
    }
}
