//! An interface through libpcap: for systems without a ring of their own here, and for devices that
//! only libpcap knows. Built with the cargo feature `libpcap`.
//!
//! One interface at a time. The filter is compiled by libpcap; times are as fine as the device
//! offers, nanoseconds where it can.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pcap::{Active, Capture, Error, Precision};

use super::{LiveOptions, clock, unopened};
use crate::frame::CapturedFrame;
use crate::source::{Arrival, Interface, Source, SourceError};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Frames as they pass an interface, from libpcap.
pub struct LibpcapSource {
    capture: Capture<Active>,
    name: String,
    snaplen: u32,
    is_nanos: bool,
    frames: u64,
    dropped: u32,
    stop: Arc<AtomicBool>,
}

impl LibpcapSource {
    /// Opens the interface that is named; the one that libpcap prefers if none is.
    ///
    /// # Errors
    /// When there is no such interface, more than one is named, the right to capture is missing or
    /// libpcap does not take the filter.
    pub fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let name = match options.interfaces.as_slice() {
            [name] => name.clone(),
            [] => {
                let found = pcap::Device::lookup().map_err(|error| refused("libpcap", &error))?;
                let found = found.map(|device| device.name);
                found.ok_or_else(|| unopened("libpcap", "it knows no interface".to_owned()))?
            }
            [name, ..] => {
                let reason = "libpcap watches one interface at a time".to_owned();
                return Err(unopened(name, reason));
            }
        };
        let begin = |precision: Option<Precision>| {
            let inactive = Capture::from_device(name.as_str())?
                .promisc(options.promiscuous)
                .snaplen(match options.snaplen {
                    0 => 262_144,
                    snaplen => i32::try_from(snaplen).unwrap_or(i32::MAX),
                })
                .buffer_size(i32::try_from(options.buffer).unwrap_or(i32::MAX))
                .timeout(options.patience.as_millis().clamp(1, 1000) as i32);
            match precision {
                Some(precision) => inactive.precision(precision).open(),
                None => inactive.open(),
            }
        };
        let (mut capture, is_nanos) = match begin(Some(Precision::Nano)) {
            Ok(capture) => (capture, true),
            Err(_) => (begin(None).map_err(|error| refused(&name, &error))?, false),
        };
        if let Some(filter) = &options.filter {
            capture
                .filter(filter.text(), true)
                .map_err(|error| refused(&name, &error))?;
        }
        Ok(Self {
            capture,
            name,
            snaplen: options.snaplen,
            is_nanos,
            frames: 0,
            dropped: 0,
            stop: Arc::clone(&options.stop),
        })
    }

    /// From now on it is this that ends it.
    pub fn stop_when(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    fn tell_missed(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Ok(figures) = self.capture.stats() else {
            return ControlFlow::Continue(());
        };
        let total = figures.dropped.wrapping_add(figures.if_dropped);
        let frames = u64::from(total.wrapping_sub(self.dropped));
        self.dropped = total;
        if frames == 0 {
            return ControlFlow::Continue(());
        }
        sink(Arrival::Missed {
            interface: 0,
            frames,
        })
    }
}

impl Source for LibpcapSource {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        /// Frames between two looks at what was dropped.
        const OFTEN: u64 = 4096;
        let link = LinkType(self.capture.get_datalink().0 as u32);
        // DLT_RAW is another number on some systems.
        let interface = Interface {
            index: 0,
            name: Some(&self.name),
            link,
            snaplen: self.snaplen,
            ticks_per_second: if self.is_nanos {
                1_000_000_000
            } else {
                1_000_000
            },
            format: "libpcap",
            input: 0,
        };
        if sink(Arrival::Interface(interface)).is_break() {
            return Ok(());
        }
        loop {
            let is_last = self.stop.load(Ordering::Relaxed);
            let step = match self.capture.next_packet() {
                Ok(packet) => {
                    self.frames += 1;
                    let fraction = packet.header.ts.tv_usec as i64;
                    let nanos = if self.is_nanos {
                        fraction
                    } else {
                        fraction * 1000
                    };
                    sink(Arrival::Frame(CapturedFrame {
                        number: self.frames,
                        time: Timestamp::from_parts(packet.header.ts.tv_sec as i64, nanos),
                        interface: 0,
                        link,
                        wire_len: packet.header.len,
                        data: packet.data,
                        upcoming: &[],
                        place: crate::frame::Place::NOWHERE,
                    }))
                }
                Err(Error::TimeoutExpired) if is_last => return Ok(()),
                Err(Error::TimeoutExpired) => sink(Arrival::Quiet(clock::now())),
                Err(Error::NoMorePackets) => return Ok(()),
                Err(error) => {
                    return Err(SourceError {
                        input: self.name.clone(),
                        offset: 0,
                        after_frame: self.frames,
                        reason: error.to_string(),
                        unopened: false,
                    });
                }
            };
            let is_due = self.frames.is_multiple_of(OFTEN);
            if step.is_break() || (is_due && self.tell_missed(sink).is_break()) {
                return Ok(());
            }
        }
    }
}

fn refused(name: &str, error: &Error) -> SourceError {
    unopened(name, error.to_string())
}
