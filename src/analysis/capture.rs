//! The capture as such: what it is, how long, and how far it can be trusted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::frame::CapturedFrame;
use crate::source::Arrival;
use crate::time::{Span, Timestamp};
use crate::wire::{Decoded, Layer, LinkType, Reason, Stop, Transport};

/// Names and comments kept at most: more are counted only.
const MOST_TEXTS: usize = 10_000;

/// An interface of the capture, with what was seen on it.
#[derive(Clone, Debug, Default)]
pub struct InterfaceFigures {
    /// Index, as in [`CapturedFrame::interface`].
    pub index: u32,
    /// Name, where the capture has one (as it stands: not to be printed unescaped).
    pub name: Option<String>,
    /// Link type.
    pub link: LinkType,
    /// Snapshot length in bytes; 0 is none.
    pub snaplen: u32,
    /// Ticks of its clock in a second.
    pub ticks_per_second: u64,
    /// Format it was described in.
    pub format: &'static str,
    /// Index of the input file.
    pub input: u32,
    /// Frames seen.
    pub frames: u64,
    /// Frames that the capture says it lost.
    pub missed: u64,
}

/// Why frames were not decoded to the end, as counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StopKind {
    /// The layer that could not be read.
    pub layer: Layer,
    /// The kind of reason: `cut short`, the field that is invalid, or the unknown protocol.
    pub reason: StopReason,
}

/// The kind of reason of a [`StopKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// Fewer bytes captured than the layer needs.
    CutByCapture,
    /// Fewer bytes than the layer needs by an outer layer's length field.
    CutByLength,
    /// This field holds a value that is not allowed or not known.
    Invalid(&'static str),
    /// This protocol is not decoded.
    Unknown(u32),
    /// Nested deeper than is followed.
    TooDeep,
}

impl core::fmt::Display for StopKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let layer = self.layer;
        match self.reason {
            StopReason::CutByCapture => write!(f, "{layer}: cut short by the capture"),
            StopReason::CutByLength => write!(f, "{layer}: cut short by a length field"),
            StopReason::Invalid(field) => write!(f, "{layer}: invalid {field}"),
            StopReason::Unknown(protocol) => {
                write!(f, "{layer}: protocol {protocol:#06x} is not decoded")
            }
            StopReason::TooDeep => write!(f, "{layer}: nested too deep"),
        }
    }
}

/// Kinds of reasons kept apart at most (the protocol numbers come from the input).
const MOST_STOPS: usize = 256;

/// What is known of a capture as such.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Frames.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Bytes of them that were captured.
    pub captured_bytes: u64,
    /// Earliest capture time.
    pub first: Option<Timestamp>,
    /// Latest capture time.
    pub last: Option<Timestamp>,
    /// Time of the frame before, to see steps back.
    previous: Option<Timestamp>,
    /// Frames whose time lies before that of the frame before them.
    pub steps_back: u64,
    /// The largest such step.
    pub largest_step_back: Span,
    /// Frames of which not all was captured (snaplen).
    pub cut: u64,
    /// Interfaces by index.
    pub interfaces: Vec<InterfaceFigures>,
    /// TCP segments.
    pub tcp: u64,
    /// UDP datagrams.
    pub udp: u64,
    /// ICMP and ICMPv6 messages.
    pub icmp: u64,
    /// ARP packets.
    pub arp: u64,
    /// IP fragments.
    pub fragments: u64,
    /// Frames with none of these.
    pub other: u64,
    /// Frames in a tunnel.
    pub tunnelled: u64,
    /// Frames with VLAN tags.
    pub tagged: u64,
    /// Frames that were not decoded to the end because they are damaged or cut.
    pub undecoded: u64,
    /// Why frames were not decoded to the end, damage and unknown protocols alike.
    pub stops: BTreeMap<StopKind, u64>,
    /// Names for addresses, from the capture.
    pub names: BTreeMap<IpAddr, String>,
    /// Comments in the capture: the frame they belong to, and the text.
    pub comments: Vec<(Option<u64>, String)>,
    /// Names and comments that were not kept.
    pub texts_dropped: u64,
    /// Blocks that were passed over.
    pub skipped_blocks: u64,
    /// The latest time known, by frames or by a quiet source.
    pub now: Option<Timestamp>,
}

impl Capture {
    #[inline]
    pub(super) fn count(&mut self, frame: &CapturedFrame<'_>) {
        self.frames += 1;
        self.bytes += u64::from(frame.wire_len);
        self.captured_bytes += frame.data.len() as u64;
        self.cut += u64::from((frame.data.len() as u64) < u64::from(frame.wire_len));
        let time = frame.time;
        match self.previous {
            Some(previous) if time < previous => {
                self.steps_back += 1;
                self.largest_step_back = self.largest_step_back.max(previous - time);
                self.first = self.first.map(|first| first.min(time));
            }
            Some(_) => {
                if self.last.is_none_or(|last| time > last) {
                    self.last = Some(time);
                    self.now = self.last;
                }
            }
            None => {
                self.first = Some(time);
                self.last = Some(time);
                self.now = self.last;
            }
        }
        self.previous = Some(time);
        match self.interfaces.get_mut(frame.interface as usize) {
            Some(interface) => interface.frames += 1,
            None => self.undescribed(frame),
        }
    }

    /// A frame of an interface that the source did not describe.
    #[cold]
    fn undescribed(&mut self, frame: &CapturedFrame<'_>) {
        if let Some(interface) = self.interface(frame.interface) {
            interface.link = frame.link;
            interface.frames += 1;
        }
    }

    fn interface(&mut self, index: u32) -> Option<&mut InterfaceFigures> {
        const MOST_INTERFACES: u32 = 65_536;
        while self.interfaces.len() <= index as usize && index < MOST_INTERFACES {
            let index = self.interfaces.len() as u32;
            self.interfaces.push(InterfaceFigures {
                index,
                ..InterfaceFigures::default()
            });
        }
        self.interfaces.get_mut(index as usize)
    }

    #[inline]
    pub(super) fn decoded(&mut self, decoded: &Decoded<'_>) {
        match &decoded.transport {
            Transport::Tcp(_) => self.tcp += 1,
            Transport::Udp(_) => self.udp += 1,
            Transport::Icmp(_) => self.icmp += 1,
            Transport::Arp(_) => self.arp += 1,
            Transport::Fragment(_) => {}
            Transport::None => self.other += 1,
        }
        self.tunnelled += u64::from(decoded.tunnel.is_some());
        self.tagged += u64::from(decoded.vlan_count > 0);
        if let Some(stop) = &decoded.stop {
            self.stopped(stop);
        }
    }

    #[cold]
    fn stopped(&mut self, stop: &Stop) {
        self.undecoded += u64::from(stop.is_damage());
        let reason = match stop.reason {
            Reason::TooShort {
                from: crate::wire::LengthSource::Capture,
                ..
            } => StopReason::CutByCapture,
            Reason::TooShort { .. } => StopReason::CutByLength,
            Reason::Invalid { field, .. } => StopReason::Invalid(field),
            Reason::Unknown { protocol } => StopReason::Unknown(protocol),
            Reason::TooDeep => StopReason::TooDeep,
        };
        let kind = StopKind {
            layer: stop.layer,
            reason,
        };
        if self.stops.len() < MOST_STOPS || self.stops.contains_key(&kind) {
            *self.stops.entry(kind).or_default() += 1;
        }
    }

    /// Adds what another analyzer of the same capture has counted of its own flows. Frames, times
    /// and interfaces are the first one's.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.tcp += other.tcp;
        self.udp += other.udp;
        self.icmp += other.icmp;
        self.arp += other.arp;
        self.fragments += other.fragments;
        self.other += other.other;
        self.tunnelled += other.tunnelled;
        self.tagged += other.tagged;
        self.undecoded += other.undecoded;
        for (kind, count) in &other.stops {
            *self.stops.entry(*kind).or_default() += count;
        }
    }

    pub(super) fn note(&mut self, arrival: &Arrival<'_>) {
        match *arrival {
            Arrival::Frame(_) => {}
            Arrival::Quiet(time) => {
                if self.now.is_none_or(|now| time > now) {
                    self.now = Some(time);
                }
            }
            Arrival::Missed { interface, frames } => {
                if let Some(interface) = self.interface(interface) {
                    interface.missed += frames;
                }
            }
            Arrival::Interface(described) => {
                if let Some(interface) = self.interface(described.index) {
                    interface.name = described.name.map(str::to_owned);
                    interface.link = described.link;
                    interface.snaplen = described.snaplen;
                    interface.ticks_per_second = described.ticks_per_second;
                    interface.format = described.format;
                    interface.input = described.input;
                }
            }
            Arrival::Name { address, name } => {
                if self.names.len() < MOST_TEXTS {
                    self.names.entry(address).or_insert_with(|| name.to_owned());
                } else {
                    self.texts_dropped += 1;
                }
            }
            Arrival::Comment { frame, text } => {
                if self.comments.len() < MOST_TEXTS {
                    self.comments.push((frame, text.to_owned()));
                } else {
                    self.texts_dropped += 1;
                }
            }
            Arrival::SkippedBlock { .. } => self.skipped_blocks += 1,
        }
    }

    /// From the earliest frame to the latest.
    pub fn span(&self) -> Span {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last - first,
            _ => Span::ZERO,
        }
    }

    /// Frames that the capture says it lost.
    pub fn missed(&self) -> u64 {
        self.interfaces
            .iter()
            .map(|interface| interface.missed)
            .sum()
    }
}
