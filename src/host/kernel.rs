//! The kernel's own view of TCP connections: sock_diag(7), with `TCP_INFO`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use super::processes::Owners;
use super::{HostSocket, TcpInfo};

/// Octets of a netlink header, a request, and an answer before its attributes.
const HEADER: usize = 16;
const REQUEST: usize = 56;
const ANSWER: usize = 72;

/// `SOCK_DIAG_BY_FAMILY`, and the flags of a request for all.
const BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x1 | 0x300;
const DONE: u16 = 3;
const ERROR: u16 = 2;

/// Attributes of an answer (`INET_DIAG_INFO`, `INET_DIAG_CONG`).
const INFO: u16 = 2;
const CONGESTION: u16 = 4;

/// All states but LISTEN and what is new.
const STATES: u32 = 0xfff & !(1 << 10);

/// All TCP sockets of this network namespace, listening ones left out, with their owners.
///
/// # Errors
/// When the kernel has no sock_diag, or refuses.
pub fn sockets(owners: &mut Owners) -> io::Result<Vec<HostSocket>> {
    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkSockDiag,
    )?;
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        dump(&netlink, family as u8, &mut found)?;
    }
    if !owners.know(found.iter().map(|(_, inode)| *inode)) {
        owners.look();
    }
    let with_owner = |(mut socket, inode): (HostSocket, u32)| {
        socket.process = owners.of(inode).cloned();
        socket
    };
    Ok(found.into_iter().map(with_owner).collect())
}

/// The sockets of a family, each with its inode.
fn dump(netlink: &OwnedFd, family: u8, found: &mut Vec<(HostSocket, u32)>) -> io::Result<()> {
    let mut request = Vec::with_capacity(HEADER + REQUEST);
    request.extend(((HEADER + REQUEST) as u32).to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    request.extend([0; 8]);
    let attributes = 1 << (INFO - 1) | 1 << (CONGESTION - 1);
    request.extend([family, libc::IPPROTO_TCP as u8, attributes, 0]);
    request.extend(STATES.to_ne_bytes());
    request.resize(HEADER + REQUEST, 0);
    send(netlink.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let len = recv(netlink.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        let mut rest = buffer.get(..len).unwrap_or(&[]);
        if rest.is_empty() {
            return Ok(());
        }
        while let Some((kind, body, next)) = message(rest) {
            match kind {
                DONE => return Ok(()),
                ERROR => {
                    let code = u32_at(body, 0) as i32;
                    return Err(io::Error::from_raw_os_error(-code));
                }
                _ => found.extend(answer(body)),
            }
            rest = next;
        }
    }
}

/// The first netlink message: its type, its body, and what comes after.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let len = u32_at(bytes, 0) as usize;
    let body = bytes.get(HEADER..len)?;
    let next = bytes.get(len.next_multiple_of(4)..).unwrap_or(&[]);
    Some((u16_at(bytes, 4), body, next))
}

/// A socket as `struct inet_diag_msg` and its attributes tell of it.
fn answer(body: &[u8]) -> Option<(HostSocket, u32)> {
    let fixed = body.get(..ANSWER)?;
    let is_v6 = i32::from(fixed[0]) == libc::AF_INET6;
    let end = |address: usize, port: usize| {
        let port = u16::from_be_bytes([fixed[port], fixed[port + 1]]);
        let octets: [u8; 16] = fixed.get(address..address + 16)?.try_into().ok()?;
        let address = if is_v6 {
            // An IPv4 connection of an IPv6 socket.
            Ipv6Addr::from(octets).to_canonical()
        } else {
            let [a, b, c, d, ..] = octets;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        };
        Some(SocketAddr::new(address, port))
    };
    let mut info = None;
    let mut congestion = None;
    let mut rest = body.get(ANSWER..)?;
    while rest.len() >= 4 {
        let len = usize::from(u16_at(rest, 0));
        let Some(value) = rest.get(4..len) else { break };
        match u16_at(rest, 2) {
            INFO => info = Some(tcp_info(value)),
            CONGESTION => {
                let name = value.split(|&c| c == 0).next().unwrap_or(&[]);
                congestion = Some(String::from_utf8_lossy(name).into_owned());
            }
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or(&[]);
    }
    let state = fixed[1];
    if let Some(info) = &mut info {
        info.congestion_control = congestion.unwrap_or_default();
    }
    let socket = HostSocket {
        local: end(8, 4)?,
        remote: end(24, 6)?,
        state: state_name(state).to_owned(),
        uid: u32_at(fixed, 64),
        queues: [u32_at(fixed, 56), u32_at(fixed, 60)],
        info,
        process: None,
    };
    Some((socket, u32_at(fixed, 68)))
}

fn state_name(state: u8) -> &'static str {
    match state {
        1 => "ESTABLISHED",
        2 => "SYN-SENT",
        3 | 12 => "SYN-RECEIVED",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        7 => "CLOSED",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => "UNKNOWN",
    }
}

/// Older kernels have fewer fields: those are 0.
fn tcp_info(bytes: &[u8]) -> TcpInfo {
    /// What stands for no threshold yet.
    const INFINITE: u32 = 0x7fff_ffff;
    let long = |at: usize| {
        let octets = bytes.get(at..).and_then(|rest| rest.first_chunk());
        octets.map_or(0, |octets| u64::from_ne_bytes(*octets))
    };
    let word = |at| u32_at(bytes, at);
    let retransmitted = long(208);
    TcpInfo {
        rto_us: word(8),
        mss: word(16),
        unacked: word(24),
        lost: word(32),
        rtt_us: word(68),
        rttvar_us: word(72),
        ssthresh: Some(word(76)).filter(|&ssthresh| ssthresh < INFINITE),
        cwnd: word(80),
        retransmissions: word(100),
        bytes_acked: long(120),
        bytes_received: long(128),
        segments_sent: word(136),
        segments_received: word(140),
        min_rtt_us: word(148),
        busy_us: long(168),
        rwnd_limited_us: long(176),
        sndbuf_limited_us: long(184),
        bytes_sent: long(200).saturating_sub(retransmitted),
        bytes_retransmitted: retransmitted,
        dsacks: word(216),
        congestion_control: String::new(),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let octets = bytes.get(at..).and_then(|rest| rest.first_chunk());
    octets.map_or(0, |octets| u32::from_ne_bytes(*octets))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let octets = bytes.get(at..).and_then(|rest| rest.first_chunk());
    octets.map_or(0, |octets| u16::from_ne_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn both_ends_of_a_connection_of_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(&[7; 1000]).unwrap();
        server.read_exact(&mut [0; 1000]).unwrap();
        let found = sockets(&mut Owners::default()).unwrap();
        let of = |socket: &TcpStream| {
            let ends = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
            let found = found.iter().find(|each| (each.local, each.remote) == ends);
            found.expect("the socket").clone()
        };
        let (client, server) = (of(&client), of(&server));
        assert_eq!(client.state, "ESTABLISHED");
        assert_eq!(client.process.unwrap().pid, std::process::id());
        let (sent, received) = (client.info.unwrap(), server.info.unwrap());
        assert_eq!((sent.bytes_sent, sent.retransmissions), (1000, 0));
        assert_eq!(received.bytes_received, 1000);
        assert!(!sent.congestion_control.is_empty());
    }

    #[test]
    fn answers_that_end_early_are_none() {
        for len in 0..ANSWER {
            assert!(answer(&vec![1; len]).is_none());
        }
        assert!(answer(&[2; ANSWER + 7]).is_some());
        assert!(message(&[9, 0, 0, 0]).is_none());
    }
}
