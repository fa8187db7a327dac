//! What a connection is, with nothing wrong.

use super::Scenario;
use crate::generator::host::Act::{Accept, Await, AwaitEnd, Close, Connect, Shutdown, Write};
use crate::generator::network::{Network, Talk};

const FAMILY: &str = "Nothing wrong";

pub(super) const SCENARIOS: [Scenario; 1] = [Scenario {
    name: "bulk-transfer",
    family: FAMILY,
    summary: "a long stream one way, nothing lost",
    description: "",
    build: bulk_transfer,
}];

/// Opens, sends so much, closes; the server closes after it.
pub(super) fn upload(octets: i64) -> Talk {
    Talk::new(
        &[Connect, Write(octets), Shutdown, AwaitEnd, Close],
        &[Accept, AwaitEnd, Close],
    )
}

/// Asks for so much, and the server sends it.
pub(super) fn download(octets: i64) -> Talk {
    Talk::new(
        &[Connect, Write(120), Await(octets), AwaitEnd, Close],
        &[Accept, Await(120), Write(octets), Close],
    )
}

fn bulk_transfer(network: &mut Network) {
    network.talk(upload(300_000));
}
