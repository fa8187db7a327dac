//! One AF_PACKET socket and its TPACKET_V3 receive ring (Linux,
//! `Documentation/networking/packet_mmap.rst`).
//!
//! The kernel fills blocks with frames, each behind a header, and hands a block over when it is
//! full or has waited long enough. A frame is read where it lies. Two things are put before it, into
//! room that the socket reserves there: a VLAN tag that the card took off, and a cooked header
//! where the device's own is not known.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::mapping::Mapping;
use super::{Direction, LiveOptions};
use crate::capture_filter::{Program, Target};
use crate::prefetch::prefetch;
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Octets before each frame that are ours to write to.
const RESERVED: u32 = 32;
/// What the kernel is told of frames; of no consequence with TPACKET_V3 but for its arithmetic.
const FRAME_LEN: u32 = 2048;
const TAG_LEN: usize = 4;
const COOKED_LEN: usize = 20;
const ETHER_ADDRESSES: usize = 12;
const PROTOCOL_8021Q: u16 = 0x8100;
/// ARPHRD_RAWIP of newer kernels, which libc lacks.
const ARPHRD_RAWIP: u16 = 519;
/// ARPHRD_IP6GRE, likewise.
const ARPHRD_IP6GRE: u16 = 823;

/// A ring that frames are read from.
#[derive(Debug)]
pub(super) struct Ring {
    // Before the socket, so that it is unmapped first.
    mapping: Mapping,
    socket: OwnedFd,
    device: Option<Device>,
    /// Where the next header is in the block that is held, and how many are left.
    at: usize,
    left: u32,
    /// Where the header is that comes [`AHEAD`] later; 0 when there is none.
    ahead: usize,
}

/// How many frames ahead of a frame its upcoming one is: as in files.
const AHEAD: usize = 18;

/// An interface as the kernel knows it: its number, the kind of its hardware, whether it is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) index: i32,
    pub(super) hardware: u16,
    pub(super) is_up: bool,
}

impl Device {
    /// How its frames start.
    pub(super) fn link(self) -> LinkType {
        link_of(self.hardware).unwrap_or(LinkType::LINUX_SLL2)
    }
}

/// A frame in a block that is held: where it is, and what the kernel says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    pub(super) interface: i32,
    pub(super) direction: Direction,
    /// Whether it is the first of the two times that loopback shows a packet.
    pub(super) is_repeated: bool,
    from: usize,
    len: usize,
}

/// Whether a packet socket can be had.
pub(super) fn permitted() -> bool {
    packet_socket().is_ok()
}

/// A socket that receives nothing yet: it is bound to no protocol.
fn packet_socket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(AddressFamily::Packet, SockType::Raw, flags, None)?)
}

impl Ring {
    /// A ring on the interface of this name; `None` for all. The filter is attached before the
    /// socket is bound: no frame comes that it did not choose.
    pub(super) fn open(name: Option<&str>, options: &LiveOptions) -> io::Result<Self> {
        let socket = packet_socket()?;
        let fd = socket.as_fd();
        let device = name.map(|name| device(fd, name)).transpose()?;
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        set(fd, libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        set(fd, libc::SOL_PACKET, libc::PACKET_RESERVE, &RESERVED)?;
        attach(fd, &program(device, options)?)?;
        let (block_len, blocks) = shape(options.buffer);
        let request = libc::tpacket_req3 {
            tp_block_size: block_len as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: FRAME_LEN,
            tp_frame_nr: (block_len / FRAME_LEN as usize * blocks) as u32,
            tp_retire_blk_tov: options.patience.as_millis().clamp(1, 1000) as u32,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let mapping = Mapping::new(&socket, block_len, blocks)?;
        join(fd, device, options)?;
        Ok(Self {
            mapping,
            socket,
            device,
            at: 0,
            left: 0,
            ahead: 0,
        })
    }

    /// The device it is on; `None` for all.
    pub(super) fn device(&self) -> Option<Device> {
        self.device
    }

    /// What the interface of this name is now; `None` where there is none.
    pub(super) fn device_of(&self, name: &str) -> Option<Device> {
        device(self.socket.as_fd(), name).ok()
    }

    /// The name of an interface.
    pub(super) fn name_of(&self, interface: i32) -> Option<String> {
        name_of(self.socket.as_fd(), interface)
    }

    /// Goes over to another device, which has the name of one that was removed. The socket and its
    /// ring stay: no right is needed that was needed to open it.
    pub(super) fn move_to(&mut self, device: Device, options: &LiveOptions) -> io::Result<()> {
        let fd = self.socket.as_fd();
        attach(fd, &program(Some(device), options)?)?;
        join(fd, Some(device), options)?;
        self.device = Some(device);
        Ok(())
    }

    /// The first frame that has not been passed, if the kernel has handed one over.
    pub(super) fn peek(&mut self) -> Option<Record> {
        loop {
            if self.left == 0 {
                if self.at != 0 {
                    self.mapping.give_back();
                    self.at = 0;
                }
                if !self.mapping.take() {
                    return None;
                }
                let block = self.mapping.bytes();
                let (count, first) = (u32_at(block, 12), u32_at(block, 16));
                (self.left, self.at) = (count, (first as usize).max(1));
                self.ahead = self.at;
                for _ in 0..AHEAD {
                    self.look_further();
                }
                continue;
            }
            match record(self.mapping.bytes(), self.at) {
                Some(record) => return Some(record),
                // A header that can't be: the rest of the block is passed over.
                None => self.left = 0,
            }
        }
    }

    /// Passes the frame that was peeked at.
    pub(super) fn pass(&mut self) {
        let next = u32_at(self.mapping.bytes(), self.at) as usize;
        self.left = self.left.saturating_sub(1);
        if next == 0 {
            self.left = 0;
        }
        self.at += next;
        self.look_further();
    }

    fn look_further(&mut self) {
        /// Frames ahead of the one that is looked at, if they are as long.
        const FURTHER: usize = 8;
        const MOST: usize = 256;
        if self.ahead != 0 {
            let block = self.mapping.bytes();
            let next = u32_at(block, self.ahead) as usize;
            self.ahead = if next == 0 { 0 } else { self.ahead + next };
            // Another core has written it just now.
            let likely = self.ahead + FURTHER * next;
            if let Some(soon) = block.get(likely..likely + next.min(MOST)) {
                prefetch(soon);
            }
        }
    }

    /// The bytes of the frame that was peeked at, and those of one that comes soon.
    pub(super) fn bytes(&mut self, record: &Record) -> (&[u8], &[u8]) {
        let ahead = self.ahead;
        let block = self.mapping.bytes();
        let part = |from: usize, len| block.get(from..from + len).unwrap_or(&[]);
        let upcoming = if ahead == 0 {
            &[]
        } else {
            let (captured, mac) = (u32_at(block, ahead + 12), u16_at(block, ahead + 24));
            part(ahead + usize::from(mac), captured as usize)
        };
        (part(record.from, record.len), upcoming)
    }

    /// How many frames found no room since this was last asked.
    pub(super) fn missed(&self) -> u64 {
        let mut figures = [0_u32; 3];
        match get(
            self.socket.as_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            &mut figures,
        ) {
            Ok(()) => u64::from(figures[1]),
            Err(_) => 0,
        }
    }

    /// The error that the socket has met, if any: an interface that went down, say.
    pub(super) fn trouble(&self) -> Option<io::Error> {
        let mut error: libc::c_int = 0;
        get(
            self.socket.as_fd(),
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            &mut error,
        )
        .ok()?;
        (error != 0).then(|| io::Error::from_raw_os_error(error))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Blocks for this many octets: their length and number.
fn shape(buffer: usize) -> (usize, usize) {
    const LARGE: usize = 1 << 20;
    const SMALL: usize = 1 << 17;
    const MOST: usize = 4 << 30;
    let buffer = buffer.min(MOST);
    // A block holds the longest frame: 64 KiB and its headers.
    let block_len = if buffer < 4 * LARGE { SMALL } else { LARGE };
    (block_len, buffer.div_ceil(block_len).max(4))
}

/// What lies at `at` in a block. What must stand before the frame is put there.
fn record(block: &mut [u8], at: usize) -> Option<Record> {
    /// `struct tpacket3_hdr`, then `struct sockaddr_ll`.
    const HEADER_LEN: usize = 48;
    const ADDRESS_LEN: usize = 20;
    let header = block.get(at..at + HEADER_LEN + ADDRESS_LEN)?;
    let (seconds, nanos) = (u32_at(header, 4), u32_at(header, 8));
    let (captured, mut wire_len) = (u32_at(header, 12) as usize, u32_at(header, 16));
    let status = u32_at(header, 20);
    let (mac, net) = (u16_at(header, 24), u16_at(header, 26));
    let (tci, tpid) = (u32_at(header, 32) as u16, u16_at(header, 36));
    let mut address = [0; ADDRESS_LEN];
    address.copy_from_slice(&header[HEADER_LEN..]);
    let interface = u32_at(&address, 4) as i32;
    let (hardware, packet_type) = (u16_at(&address, 8), address[10]);

    let (from, len) = (at + usize::from(mac), captured);
    block.get(from..from + len)?;
    let (link, from, len) = match link_of(hardware) {
        Some(link) => {
            let is_tagged = status & libc::TP_STATUS_VLAN_VALID != 0;
            let lead = if is_tagged && link == LinkType::ETHERNET && len >= ETHER_ADDRESSES {
                let tpid = if status & libc::TP_STATUS_VLAN_TPID_VALID != 0 {
                    tpid
                } else {
                    PROTOCOL_8021Q
                };
                let begin = from.checked_sub(TAG_LEN)?;
                block.copy_within(from..from + ETHER_ADDRESSES, begin);
                let tag = block.get_mut(begin + ETHER_ADDRESSES..from + ETHER_ADDRESSES)?;
                tag[..2].copy_from_slice(&tpid.to_be_bytes());
                tag[2..].copy_from_slice(&tci.to_be_bytes());
                TAG_LEN
            } else {
                0
            };
            wire_len = wire_len.saturating_add(lead as u32);
            (link, from - lead, len + lead)
        }
        None => {
            // Cooked v2 (LINKTYPE_LINUX_SLL2), from the network header on.
            let stripped = usize::from(net.saturating_sub(mac)).min(len);
            let network = from + stripped;
            let begin = network.checked_sub(COOKED_LEN)?;
            let cooked = block.get_mut(begin..network)?;
            cooked[..2].copy_from_slice(&address[2..4]);
            cooked[2..4].fill(0);
            cooked[4..8].copy_from_slice(&(interface as u32).to_be_bytes());
            cooked[8..10].copy_from_slice(&hardware.to_be_bytes());
            cooked[10] = packet_type;
            cooked[11] = address[11];
            cooked[12..20].copy_from_slice(&address[12..20]);
            wire_len = wire_len
                .saturating_sub(stripped as u32)
                .saturating_add(COOKED_LEN as u32);
            (LinkType::LINUX_SLL2, begin, len - stripped + COOKED_LEN)
        }
    };
    let is_out = packet_type == libc::PACKET_OUTGOING;
    Some(Record {
        time: Timestamp::from_parts(i64::from(seconds), i64::from(nanos)),
        link,
        wire_len,
        interface,
        direction: if is_out {
            Direction::Out
        } else {
            Direction::In
        },
        is_repeated: is_out && hardware == libc::ARPHRD_LOOPBACK,
        from,
        len,
    })
}

/// How frames of this kind of device start; `None` where that is not known.
pub(super) fn link_of(hardware: u16) -> Option<LinkType> {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(LinkType::ETHERNET),
        libc::ARPHRD_NONE
        | libc::ARPHRD_TUNNEL
        | libc::ARPHRD_TUNNEL6
        | libc::ARPHRD_SIT
        | libc::ARPHRD_IPGRE
        | ARPHRD_IP6GRE
        | ARPHRD_RAWIP => Some(LinkType::RAW),
        libc::ARPHRD_IEEE80211 => Some(LinkType::IEEE802_11),
        libc::ARPHRD_IEEE80211_RADIOTAP => Some(LinkType::RADIOTAP),
        _ => None,
    }
}

/// The program for frames of this device: the filter, and how many octets are kept.
fn program(device: Option<Device>, options: &LiveOptions) -> io::Result<Program> {
    let target = match device {
        // A device whose header is not known here has at least its network header where the
        // kernel says.
        Some(device) => link_of(device.hardware).map_or(Target::KernelAny, Target::Kernel),
        None => Target::KernelAny,
    };
    let program = match &options.filter {
        None => Program::accept_all(options.snaplen),
        Some(filter) => filter
            .compile(target, options.snaplen)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
    };
    let may_double = device.is_none_or(|device| device.hardware == libc::ARPHRD_LOOPBACK);
    Ok(match may_double {
        true => program.without_loopback_doubles(),
        false => program,
    })
}

/// Gives the socket its filter.
fn attach(fd: BorrowedFd<'_>, program: &Program) -> io::Result<()> {
    let mut program: Vec<libc::sock_filter> = program
        .instructions()
        .iter()
        .map(|instruction| libc::sock_filter {
            code: instruction.code,
            jt: instruction.jt,
            jf: instruction.jf,
            k: instruction.k,
        })
        .collect();
    let len = u16::try_from(program.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the filter is too long"))?;
    let program = libc::sock_fprog {
        len,
        filter: program.as_mut_ptr(),
    };
    set(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Begins to receive from a device, or from all.
fn join(fd: BorrowedFd<'_>, device: Option<Device>, options: &LiveOptions) -> io::Result<()> {
    if let (true, Some(device)) = (options.promiscuous, device) {
        let membership = libc::packet_mreq {
            mr_ifindex: device.index,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set(
            fd,
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            &membership,
        )?;
    }
    bind(fd, device.map_or(0, |device| device.index as u32))
}

/// What the kernel says of the interface of this name.
fn device(fd: BorrowedFd<'_>, name: &str) -> io::Result<Device> {
    let mut request = interface_request();
    let len = request.ifr_name.len() - 1;
    if name.is_empty() || name.len() > len {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let index = ask(fd, libc::SIOCGIFINDEX, request)?;
    let hardware = ask(fd, libc::SIOCGIFHWADDR, request)?;
    let flags = ask(fd, libc::SIOCGIFFLAGS, request)?;
    // SAFETY: each is read as what the request wrote, and all of it are numbers.
    #[allow(unsafe_code, reason = "a union of numbers")]
    unsafe {
        Ok(Device {
            index: index.ifr_ifru.ifru_ifindex,
            // The family of the hardware address says what kind of hardware it is.
            hardware: hardware.ifr_ifru.ifru_hwaddr.sa_family,
            is_up: i32::from(flags.ifr_ifru.ifru_flags) & libc::IFF_UP != 0,
        })
    }
}

fn name_of(fd: BorrowedFd<'_>, interface: i32) -> Option<String> {
    let mut request = interface_request();
    request.ifr_ifru.ifru_ifindex = interface;
    let answer = ask(fd, libc::SIOCGIFNAME, request).ok()?;
    let name = answer.ifr_name.iter().map(|&c| c as u8);
    let name: Vec<u8> = name.take_while(|&c| c != 0).collect();
    Some(String::from_utf8_lossy(&name).into_owned())
}

#[allow(unsafe_code, reason = "a union of numbers")]
fn interface_request() -> libc::ifreq {
    // SAFETY: all its fields are numbers, for which zero is a value.
    unsafe { core::mem::zeroed() }
}

#[allow(unsafe_code, reason = "nix has no safe wrapper for interface requests")]
fn ask(
    fd: BorrowedFd<'_>,
    what: libc::c_ulong,
    mut request: libc::ifreq,
) -> io::Result<libc::ifreq> {
    // SAFETY: these requests read and write one `ifreq`.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), what as _, &raw mut request) };
    if result == 0 {
        Ok(request)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[allow(unsafe_code, reason = "no safe wrapper takes a packet address")]
fn bind(fd: BorrowedFd<'_>, interface: u32) -> io::Result<()> {
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut address: libc::sockaddr_ll = unsafe { core::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = interface as libc::c_int;
    // SAFETY: the address is whole, and as long as is said.
    let result = unsafe {
        libc::bind(
            fd.as_raw_fd(),
            core::ptr::from_ref(&address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sets an option whose value is this plain structure.
#[allow(unsafe_code, reason = "no safe wrapper has these options")]
fn set<T>(fd: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    // SAFETY: the kernel reads as many octets as are said, and checks what they mean.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            option,
            core::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Reads an option into numbers.
#[allow(unsafe_code, reason = "no safe wrapper has these options")]
fn get<T: Copy + Into<Numbers>>(
    fd: BorrowedFd<'_>,
    level: i32,
    option: i32,
    value: &mut T,
) -> io::Result<()> {
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes no more than `len` octets, and any octets are numbers.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            option,
            core::ptr::from_mut(value).cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What [`get`] may read into: types for which any octets are a value.
struct Numbers;

impl From<libc::c_int> for Numbers {
    fn from(_: libc::c_int) -> Self {
        Self
    }
}

impl From<[u32; 3]> for Numbers {
    fn from(_: [u32; 3]) -> Self {
        Self
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |octets| u32::from_ne_bytes(*octets))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |octets| u16::from_ne_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that holds one frame at 64: headers as the kernel writes them.
    fn block(hardware: u16, status: u32, frame: &[u8]) -> Vec<u8> {
        let mut block = vec![0; 64];
        for word in [
            0,
            1_700_000_000,
            123_456_789,
            frame.len() as u32,
            frame.len() as u32 + 5,
            status,
        ] {
            block.extend(u32::to_ne_bytes(word));
        }
        for short in [112_u16, 112 + 14] {
            block.extend(short.to_ne_bytes());
        }
        block.extend(0_u32.to_ne_bytes());
        block.extend(0x2064_u32.to_ne_bytes());
        block.extend(0x88a8_u16.to_ne_bytes());
        block.resize(64 + 48, 0);
        block.extend(17_u16.to_ne_bytes());
        block.extend(0x0800_u16.to_be_bytes());
        block.extend(7_u32.to_ne_bytes());
        block.extend(hardware.to_ne_bytes());
        block.extend([libc::PACKET_OUTGOING, 6, 1, 2, 3, 4, 5, 6, 0, 0]);
        block.resize(64 + 112, 0xee);
        block.extend(frame);
        block
    }

    fn frame() -> Vec<u8> {
        (0..30).collect()
    }

    #[test]
    fn a_frame_is_where_its_header_says() {
        let mut block = block(libc::ARPHRD_ETHER, 0, &frame());
        let found = record(&mut block, 64).expect("a frame");
        assert_eq!(found.time.as_nanos(), 1_700_000_000_123_456_789);
        assert_eq!((found.interface, found.wire_len), (7, 35));
        assert_eq!(
            (found.link, found.direction),
            (LinkType::ETHERNET, Direction::Out)
        );
        assert_eq!(block[found.from..found.from + found.len], frame());
        assert!(!found.is_repeated);
    }

    #[test]
    fn a_tag_is_put_back() {
        let status = libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
        let mut block = block(libc::ARPHRD_ETHER, status, &frame());
        let found = record(&mut block, 64).expect("a frame");
        let mut tagged = frame();
        tagged.splice(12..12, [0x88, 0xa8, 0x20, 0x64]);
        assert_eq!(block[found.from..found.from + found.len], tagged);
        assert_eq!(found.wire_len, 39);
    }

    #[test]
    fn an_unknown_device_gets_a_cooked_header() {
        let mut block = block(777, 0, &frame());
        let found = record(&mut block, 64).expect("a frame");
        let mut cooked = vec![8, 0, 0, 0, 0, 0, 0, 7, 3, 9, 4, 6, 1, 2, 3, 4, 5, 6, 0, 0];
        cooked.extend(&frame()[14..]);
        assert_eq!(found.link, LinkType::LINUX_SLL2);
        assert_eq!(block[found.from..found.from + found.len], cooked);
        assert_eq!(found.wire_len, 35 - 14 + 20);
    }

    #[test]
    fn loopback_shows_the_way_out_to_be_left_out() {
        let mut block = block(libc::ARPHRD_LOOPBACK, 0, &frame());
        assert!(record(&mut block, 64).expect("a frame").is_repeated);
    }

    #[test]
    fn headers_that_cannot_be_are_none() {
        let whole = block(libc::ARPHRD_ETHER, 0, &frame());
        for len in 0..whole.len() {
            let mut cut = whole[..len].to_vec();
            assert!(record(&mut cut, 64).is_none(), "cut at {len}");
        }
        assert!(record(&mut whole.clone(), usize::MAX / 2).is_none());
    }

    #[test]
    fn buffers_have_whole_blocks() {
        assert_eq!(shape(0), (1 << 17, 4));
        assert_eq!(shape(2 << 20), (1 << 17, 16));
        assert_eq!(shape(64 << 20), (1 << 20, 64));
        assert_eq!(shape((64 << 20) + 1), (1 << 20, 65));
    }
}
