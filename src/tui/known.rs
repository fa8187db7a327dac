//! What the connection says of a frame, for the decode tree.

use crate::analysis::detail::{Detail, Row};
use crate::report::tree::Known;

/// Of a row.
pub(super) fn of(detail: &Detail, row: &Row) -> Known {
    let peer = detail.connection.endpoint(row.from.peer());
    Known {
        connection: detail.id,
        seq: Some(row.seq),
        ack: row.ack,
        window: row.window,
        sack_base: peer.base().map(|base| base.0),
        verdicts: detail.verdicts(row).to_vec(),
    }
}
