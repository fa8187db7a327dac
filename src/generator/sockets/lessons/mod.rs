//! The lessons, one file per family. A lesson is a constant in its file, and a line in the table
//! here.
//!
//! What a lesson says, it says of Linux: numbers in its words are those of this run, or of the
//! kernel's documentation.

mod application;
mod closing;
mod connection;
mod flow;
mod reset;
mod sending;
mod sharing;
mod stream;
mod udp;
mod unix;
mod v6;

use super::Lesson;

/// Every lesson, in the order in which they are best read.
pub const LESSONS: &[Lesson] = &[
    connection::CLIENT_SERVER,
    connection::HANDSHAKE,
    connection::ENDPOINTS,
    connection::REFUSED,
    connection::BACKLOG,
    closing::FOUR_WAY_CLOSE,
    closing::ADDRESS_REUSE,
    closing::HALF_CLOSE,
    closing::CLOSE_BESIDE_SHUTDOWN,
    sharing::SHARED_DESCRIPTOR,
    reset::RESET_BY_LINGER,
    reset::RESET_BY_UNREAD_DATA,
    stream::BYTE_STREAM,
    stream::BYTE_ORDER,
    sending::NAGLE,
    sending::DELAYED_ACK,
    flow::ZERO_WINDOW,
    flow::KEEP_ALIVE,
    flow::CONGESTION,
    udp::BORDERS,
    udp::MANY_PEERS,
    udp::NO_ANSWER,
    udp::UNREACHABLE,
    udp::TRUNCATION,
    udp::TCP_BESIDE_UDP,
    v6::IPV6,
    v6::DUAL_STACK,
    unix::STREAM,
    unix::DATAGRAM,
    application::HTTP_WEBSOCKET,
    application::PEER_TO_PEER,
];
