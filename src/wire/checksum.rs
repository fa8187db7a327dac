//! The Internet checksum (RFC 1071): one's complement sums, with the pseudo header of TCP, UDP
//! and ICMPv6 (RFC 9293 section 3.1, RFC 8200 section 8.1).

use super::Address;

/// A sum under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// An empty sum.
    pub const fn new() -> Self {
        Self(0)
    }

    /// The sum of the pseudo header. IPv4 addresses are summed as the four octets they are; the
    /// two versions' pseudo headers then differ only in width, which does not matter to the sum.
    pub fn pseudo_header(source: Address, destination: Address, protocol: u8, length: u32) -> Self {
        let mut sum = Self::new();
        for address in [source, destination] {
            // The mapped prefix of an IPv4 address sums to 0xffff, which is zero here.
            sum.add(&address.0.to_be_bytes());
        }
        sum.add_u32(length);
        sum.add_u16(u16::from(protocol));
        sum
    }

    /// Adds two octets.
    #[inline]
    pub fn add_u16(&mut self, value: u16) {
        self.0 += u64::from(value);
    }

    /// Adds four octets.
    #[inline]
    pub fn add_u32(&mut self, value: u32) {
        self.0 += u64::from(value);
    }

    /// Adds bytes. They must start at an even offset of what is summed; an odd last byte is
    /// padded with zero.
    #[inline]
    pub fn add(&mut self, bytes: &[u8]) {
        // Four octets at a time: the carries gather in the upper half until the end.
        let (words, tail) = bytes.as_chunks::<4>();
        self.0 += words
            .iter()
            .map(|word| u64::from(u32::from_be_bytes(*word)))
            .sum::<u64>();
        let mut last = [0; 4];
        for (place, byte) in last.iter_mut().zip(tail) {
            *place = *byte;
        }
        self.add_u32(u32::from_be_bytes(last));
    }

    /// The checksum: the complement of the folded sum. Over data that contains a correct checksum
    /// it is 0.
    pub const fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The checksum of `bytes`.
pub fn of(bytes: &[u8]) -> u16 {
    let mut sum = Sum::new();
    sum.add(bytes);
    sum.finish()
}

/// The checksum of a whole TCP segment, UDP datagram or ICMPv6 message with its pseudo header. 0
/// when the checksum in it is right.
pub fn transport(source: Address, destination: Address, protocol: u8, bytes: &[u8]) -> u16 {
    let mut sum = Sum::pseudo_header(source, destination, protocol, bytes.len() as u32);
    sum.add(bytes);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        // Section 3: 0001 f203 f4f5 f6f7 sums to ddf2.
        assert_eq!(
            of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
    }

    #[test]
    fn an_odd_byte_is_the_upper_half_of_a_word() {
        assert_eq!(of(&[0x12]), !0x1200);
        assert_eq!(of(&[0, 1, 0x12]), !0x1201);
        assert_eq!(of(&[]), 0xffff);
    }

    #[test]
    fn an_ipv4_pseudo_header_has_four_octets_of_each_address() {
        let (a, b) = (Address::v4([192, 0, 2, 1]), Address::v4([198, 51, 100, 2]));
        let narrow = of(&[192, 0, 2, 1, 198, 51, 100, 2, 0, 17, 0, 0]);
        assert_eq!(transport(a, b, 17, &[]), narrow);
    }
}
