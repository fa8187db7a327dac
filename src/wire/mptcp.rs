//! The messages of Multipath TCP (RFC 8684), by name.

use core::fmt;

/// The subtype of an MPTCP option (RFC 8684 section 8.2): any 4-bit value, known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subtype(pub u8);

#[allow(missing_docs)]
impl Subtype {
    pub const MP_CAPABLE: Self = Self(0);
    pub const MP_JOIN: Self = Self(1);
    pub const DSS: Self = Self(2);
    pub const ADD_ADDR: Self = Self(3);
    pub const REMOVE_ADDR: Self = Self(4);
    pub const MP_PRIO: Self = Self(5);
    pub const MP_FAIL: Self = Self(6);
    pub const MP_FASTCLOSE: Self = Self(7);
    pub const MP_TCPRST: Self = Self(8);
}

/// Name in the RFC, and tcpdump's word for it.
const NAMES: [(Subtype, &str, &str); 9] = [
    (Subtype::MP_CAPABLE, "MP_CAPABLE", "capable"),
    (Subtype::MP_JOIN, "MP_JOIN", "join"),
    (Subtype::DSS, "DSS", "dss"),
    (Subtype::ADD_ADDR, "ADD_ADDR", "add-addr"),
    (Subtype::REMOVE_ADDR, "REMOVE_ADDR", "rem-addr"),
    (Subtype::MP_PRIO, "MP_PRIO", "prio"),
    (Subtype::MP_FAIL, "MP_FAIL", "fail"),
    (Subtype::MP_FASTCLOSE, "MP_FASTCLOSE", "fast-close"),
    (Subtype::MP_TCPRST, "MP_TCPRST", "tcprst"),
];

impl Subtype {
    /// The name that RFC 8684 gives it, where it gives one.
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .into_iter()
            .find(|(subtype, ..)| *subtype == self)
            .map(|(_, name, _)| name)
    }
}

/// tcpdump's word.
impl fmt::Display for Subtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.into_iter().find(|(subtype, ..)| subtype == self) {
            Some((.., word)) => f.write_str(word),
            None => write!(f, "subtype-{}", self.0),
        }
    }
}
