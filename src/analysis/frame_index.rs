//! Which frames each flow has, and where each frame lies: a few bytes a frame, so that one
//! connection of a large capture can be read again without the rest.
//!
//! Two kinds of lists. One for the capture: the place of every frame, in order of numbers, in
//! chunks of a thousand. One for each flow: the numbers of its frames. Both hold the differences
//! from one to the next as integers of variable length (LEB128): a frame of a capture of one
//! connection takes three bytes, and a byte more where there are thousands.
//!
//! Memory is bounded. Past the bound the places within the oldest chunks are let go first: they
//! are found by walking the file from the chunk's first frame. Then the longest lists of flows:
//! their frames are found among all between their first and their last. Then nothing is noted but
//! where each chunk begins, and new flows have no list: they are [searched](FrameIndex::search)
//! for. Where a walk is not possible (several inputs merged, what is kept aside), what can't be
//! noted is counted.

mod numbers;
mod places;

use std::collections::BTreeMap;

use super::{Belonging, Observer};
use crate::frame::CapturedFrame;
use crate::wire::{self, Address, Decoded, Transport};
use numbers::{Lists, Numbers};
use places::PlaceList;

pub use places::{Cursor, Places, Stretch};

/// The number of a flow: connections and UDP conversations are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowId {
    /// A TCP connection.
    Tcp(u32),
    /// A UDP conversation.
    Udp(u32),
}

/// Frames that are written to the lists together.
const BATCH: usize = 128;

/// A frame of a flow.
#[derive(Clone, Copy, Debug)]
struct Noted {
    flow: FlowId,
    number: u64,
    reuses_ports: bool,
}

/// An observer that notes which frames each flow has, and where they lie.
///
/// # Examples
/// One connection of a capture, read again in full:
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use tcplens::analysis::detail::{Ask, Detail};
/// use tcplens::analysis::{Analyzer, FlowId, FrameIndex, Options};
/// use tcplens::source::{self, OpenOptions, Trail};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/half-close.pcap");
/// let trail = Trail::new(1 << 30);
/// let options = OpenOptions { trail: Some(trail.clone()), ..OpenOptions::default() };
/// let mut index = FrameIndex::new(64 << 20);
/// let mut analyzer = Analyzer::new(Options::default());
/// source::open(&[file], &options)?.run(&mut |arrival| analyzer.arrive(arrival, &mut index))?;
///
/// let places = index.places(FlowId::Tcp(0)).ok_or("no such connection")?;
/// let ask = Ask::of(analyzer.capture());
/// let detail = Detail::read(&places, &mut trail.reread(), &ask, &AtomicBool::new(false))?;
/// for row in &detail.rows {
///     println!("{} {} {:?}", row.frame, row.from, detail.verdicts(row));
/// }
/// # assert_eq!(detail.rows.len() as u64, places.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FrameIndex {
    limit: usize,
    memory: usize,
    places: PlaceList,
    tcp: Lists,
    udp: Lists,
    /// Frames whose lists are still to be written: a batch of them waits for memory once.
    fresh: Vec<Noted>,
    fragments: Fragments,
    /// Frames that hold the earlier fragments of a flow's datagrams.
    parts: BTreeMap<FlowId, Vec<u64>>,
    unnoted: u64,
    /// Whether nothing is left that could be let go: no list begins or grows.
    is_full: bool,
}

impl FrameIndex {
    /// An index that takes no more than about `memory` bytes.
    pub fn new(memory: usize) -> Self {
        Self {
            limit: memory,
            memory: 0,
            places: PlaceList::default(),
            tcp: Lists::default(),
            udp: Lists::default(),
            fresh: Vec::with_capacity(BATCH),
            fragments: Fragments::default(),
            parts: BTreeMap::new(),
            unnoted: 0,
            is_full: false,
        }
    }

    /// Where the frames of a flow lie, as far as they have been read; `None` where there is no
    /// such flow. What is copied is a byte or two a frame: it does not hold a reader up.
    pub fn places(&self, flow: FlowId) -> Option<Places> {
        let mut numbers = match flow {
            FlowId::Tcp(id) => self.tcp.get(id),
            FlowId::Udp(id) => self.udp.get(id),
        };
        for noted in self.fresh.iter().filter(|noted| noted.flow == flow) {
            match &mut numbers {
                Some(numbers) => {
                    numbers.push(noted.number);
                }
                None if self.is_full => {}
                none => *none = Some(Numbers::of(noted.number, noted.reuses_ports)),
            }
        }
        Some(self.with_numbers(flow, numbers?))
    }

    /// The numbers of a flow's frames, ascending, as far as they have been read; `None` where they
    /// are not listed, or are more than `most`.
    pub fn numbers(&self, flow: FlowId, most: u64) -> Option<impl Iterator<Item = u64> + '_> {
        let listed = match flow {
            FlowId::Tcp(id) => self.tcp.numbers(id, most),
            FlowId::Udp(id) => self.udp.numbers(id, most),
        };
        let fresh = self.fresh.iter().filter(move |noted| noted.flow == flow);
        let mut numbers = listed?.chain(fresh.map(|noted| noted.number)).peekable();
        numbers.peek()?;
        Some(numbers)
    }

    /// The flow that a frame is of, as far as that is listed. Looks at every flow that was under way
    /// then.
    pub fn flow_of(&self, number: u64) -> Option<FlowId> {
        let fresh = self.fresh.iter().find(|noted| noted.number == number);
        let part = || {
            let mut parts = self.parts.iter();
            parts.find(|(_, frames)| frames.contains(&number))
        };
        fresh
            .map(|noted| noted.flow)
            .or_else(|| self.tcp.flow_with(number).map(FlowId::Tcp))
            .or_else(|| self.udp.flow_with(number).map(FlowId::Udp))
            .or_else(|| part().map(|(flow, _)| *flow))
    }

    /// Where the frames of a flow can be searched for, whose first and last frame are known but
    /// that has no list: [`places`](Self::places) says none when memory had run out before it
    /// began.
    pub fn search(&self, flow: FlowId, first: u64, last: u64, reuses_ports: bool) -> Places {
        self.with_numbers(flow, Numbers::between(first, last, reuses_ports))
    }

    fn with_numbers(&self, flow: FlowId, numbers: Numbers) -> Places {
        let parts = self.parts.get(&flow).map_or(&[][..], Vec::as_slice);
        let first = parts.iter().copied().fold(numbers.first(), u64::min);
        let stretch = self.stretch(first, numbers.last());
        Places::of(flow, numbers, parts.to_vec(), stretch)
    }

    /// Where all frames from number `first` to number `last` lie, as far as they have been read.
    pub fn stretch(&self, first: u64, last: u64) -> Stretch {
        self.places.stretch(first, last)
    }

    /// Number of the last frame that was noted.
    pub fn last(&self) -> u64 {
        self.places.last()
    }

    /// Bytes that the lists take.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Frames whose flow has no list, because that would have grown memory beyond its limit.
    pub fn unnoted(&self) -> u64 {
        self.unnoted
    }

    /// Writes a batch to the lists.
    #[inline(never)]
    fn write(&mut self) {
        let mut batch = core::mem::take(&mut self.fresh);
        for noted in &batch {
            let (lists, id) = self.lists(noted.flow);
            lists.expect(id);
        }
        for noted in &batch {
            let (lists, id) = self.lists(noted.flow);
            lists.expect_end(id);
        }
        for noted in batch.drain(..) {
            self.note(noted);
        }
        self.fresh = batch;
    }

    #[inline]
    fn lists(&mut self, flow: FlowId) -> (&mut Lists, u32) {
        match flow {
            FlowId::Tcp(id) => (&mut self.tcp, id),
            FlowId::Udp(id) => (&mut self.udp, id),
        }
    }

    /// Notes a frame of a flow.
    #[inline]
    fn note(&mut self, noted: Noted) {
        let Noted {
            flow,
            number,
            reuses_ports,
        } = noted;
        let (lists, id) = match flow {
            FlowId::Tcp(id) => (&mut self.tcp, id),
            FlowId::Udp(id) => (&mut self.udp, id),
        };
        if self.is_full {
            let (noted, freed) = lists.push_within(id, number);
            self.unnoted += u64::from(!noted);
            self.memory = self.memory.saturating_sub(freed);
        } else {
            self.memory += lists.push(id, number, reuses_ports);
        }
    }

    /// Lets go of what can be found otherwise.
    #[cold]
    fn relieve(&mut self) {
        // Short lists are not worth reading all frames for.
        let worth = (self.limit / 4096).max(64);
        while self.memory > self.limit {
            let freed = match self.places.thin() {
                Some(freed) => freed,
                None => {
                    let longest = self.tcp.longest().max(self.udp.longest());
                    if longest < worth {
                        self.is_full = true;
                        self.places.stay_thin();
                        return;
                    }
                    self.tcp.let_go(longest / 2) + self.udp.let_go(longest / 2)
                }
            };
            self.memory = self.memory.saturating_sub(freed);
        }
    }
}

impl Observer for FrameIndex {
    fn wants_frames(&self) -> bool {
        false
    }

    fn wants_flows(&self) -> bool {
        true
    }

    #[inline]
    fn belongs(&mut self, frame: &CapturedFrame<'_>, decoded: &Decoded<'_>, to: Belonging) {
        if self.memory > self.limit && !self.is_full {
            self.relieve();
        }
        self.memory += self.places.push(frame.number, frame.place);
        if let Some(flow) = to.flow {
            self.fresh.push(Noted {
                flow,
                number: frame.number,
                reuses_ports: to.reuses_ports,
            });
            if self.fresh.len() >= BATCH {
                self.write();
            }
        }
        let is_part = matches!(decoded.transport, Transport::Fragment(_));
        if is_part || !self.fragments.0.is_empty() {
            self.fragment(frame, decoded, to.flow);
        }
    }
}

/// Frames that hold fragments of datagrams that are not whole yet: the latest.
#[derive(Debug, Default)]
struct Fragments(Vec<(Datagram, u64)>);

/// What the fragments of a datagram share (RFC 791 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Datagram {
    between: (Address, Address),
    id: u32,
    protocol: u8,
    context: u32,
}

impl Datagram {
    /// Of which datagram a frame is a fragment.
    fn of(decoded: &Decoded<'_>) -> Option<Self> {
        let ip = decoded.ip.as_ref()?;
        matches!(decoded.transport, Transport::Fragment(_)).then_some(())?;
        Some(Self {
            between: (ip.source, ip.destination),
            id: ip.id?,
            protocol: ip.protocol,
            context: decoded.context,
        })
    }
}

impl FrameIndex {
    /// Notes a fragment, or, of a datagram that is whole now, those it came in. `decoded` is what
    /// the whole datagram holds then, which may be a packet within a packet.
    #[cold]
    fn fragment(&mut self, frame: &CapturedFrame<'_>, decoded: &Decoded<'_>, flow: Option<FlowId>) {
        /// Fragments remembered: those of one datagram come close to each other …
        const MOST: usize = 256;
        /// … within so many frames.
        const FAR: u64 = 10_000;
        let waiting = &mut self.fragments.0;
        waiting.retain(|each| each.1 + FAR > frame.number);
        if let Some(datagram) = Datagram::of(decoded) {
            if waiting.len() >= MOST {
                waiting.remove(0);
            }
            waiting.push((datagram, frame.number));
            return;
        }
        let Some(flow) = flow else { return };
        let alone = wire::decode(frame.link, frame.data, frame.wire_len);
        let Some(datagram) = Datagram::of(&alone) else {
            return;
        };
        let own = |(each, _): &(Datagram, u64)| *each == datagram;
        if !waiting.iter().any(own) {
            return;
        }
        let parts = self.parts.entry(flow).or_default();
        let before = parts.capacity();
        parts.extend(waiting.iter().filter(|each| own(each)).map(|each| each.1));
        waiting.retain(|each| !own(each));
        self.memory += (parts.capacity() - before) * size_of::<u64>();
    }
}
