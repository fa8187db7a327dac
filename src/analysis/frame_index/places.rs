//! Where the frames of a capture lie, and those of one flow.

use core::ops::ControlFlow;
use std::sync::Arc;

use super::FlowId;
use super::numbers::{Numbers, put, take};
use crate::flow::{FlowKey, Protocol};
use crate::frame::{CapturedFrame, Place, ReadAgain, Unread};
use crate::wire::{self, Transport};

/// Frames of a chunk at most.
const CHUNK: u64 = 1024;

/// Where consecutive frames lie.
#[derive(Clone, Debug)]
struct Chunk {
    /// Number and place of the first.
    first: u64,
    place: Place,
    count: u64,
    /// Whether all lie in one input, one behind the other: then they can be found by walking.
    is_plain: bool,
    /// Steps from each place to the next; `None` where they were let go.
    steps: Option<Arc<[u8]>>,
}

/// Where the frames of a capture lie, in order of their numbers.
#[derive(Debug, Default)]
pub(super) struct PlaceList {
    /// Those that grow no more.
    sealed: Vec<Chunk>,
    /// The one that grows, and its steps.
    open: Option<Chunk>,
    steps: Vec<u8>,
    last_place: Place,
    /// So many of the sealed ones have been thinned, or can't be.
    thinned: usize,
    /// Whether what is sealed is thinned at once, and what can't be is let go.
    is_thin: bool,
}

impl PlaceList {
    /// Number of the last frame.
    pub(super) fn last(&self) -> u64 {
        let last = self.open.as_ref().or(self.sealed.last());
        last.map_or(0, |chunk| chunk.first + chunk.count - 1)
    }

    /// Keeps no more than what a walk needs from now on.
    pub(super) fn stay_thin(&mut self) {
        self.is_thin = true;
    }

    /// Appends a frame. Returns by how many bytes the memory grew.
    #[inline]
    pub(super) fn push(&mut self, number: u64, place: Place) -> usize {
        if let Some(open) = &mut self.open
            && open.count < CHUNK
            && number == open.first + open.count
        {
            if place.input != self.last_place.input {
                open.is_plain = false;
                put(&mut self.steps, 0);
                put(&mut self.steps, place.input.into());
                put(&mut self.steps, place.offset);
                open.count += 1;
                self.last_place = place;
                return 0;
            }
            if let Some(step) = place.offset.checked_sub(self.last_place.offset) {
                put(&mut self.steps, step.saturating_add(1));
                open.count += 1;
                self.last_place = place;
                return 0;
            }
        }
        self.begin(number, place)
    }

    #[cold]
    fn begin(&mut self, number: u64, place: Place) -> usize {
        let before = (self.sealed.capacity(), self.steps.capacity());
        let mut grown = 0;
        if let Some(mut full) = self.open.take() {
            if !self.is_thin {
                grown += self.steps.len();
                full.steps = Some(Arc::from(self.steps.as_slice()));
            }
            if full.is_plain || full.steps.is_some() {
                self.sealed.push(full);
            }
        }
        self.steps.clear();
        self.steps.reserve(4 * CHUNK as usize);
        self.last_place = place;
        self.open = Some(Chunk {
            first: number,
            place,
            count: 1,
            is_plain: place.is_somewhere(),
            steps: None,
        });
        grown
            + (self.sealed.capacity() - before.0) * size_of::<Chunk>()
            + (self.steps.capacity() - before.1)
    }

    /// Lets the oldest steps go that can be found otherwise. Returns how many bytes that frees.
    pub(super) fn thin(&mut self) -> Option<usize> {
        loop {
            let chunk = self.sealed.get_mut(self.thinned)?;
            self.thinned += 1;
            if chunk.is_plain
                && let Some(steps) = chunk.steps.take()
            {
                return Some(steps.len());
            }
        }
    }

    pub(super) fn stretch(&self, first: u64, last: u64) -> Stretch {
        let begins = |chunk: &Chunk| chunk.first + chunk.count <= first;
        let start = self.sealed.partition_point(begins);
        let rest = self.sealed.get(start..).unwrap_or_default();
        let mut chunks: Vec<Chunk> = rest
            .iter()
            .take_while(|chunk| chunk.first <= last)
            .cloned()
            .collect();
        if let Some(open) = &self.open
            && open.first <= last
        {
            chunks.push(Chunk {
                steps: Some(Arc::from(self.steps.as_slice())),
                ..open.clone()
            });
        }
        Stretch { chunks }
    }
}

/// Where consecutive frames lie: a part of the list as it was when it was asked for.
#[derive(Clone, Debug)]
pub struct Stretch {
    chunks: Vec<Chunk>,
}

/// How far a look-up came, for the next to go on from there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    chunk: usize,
    number: u64,
    place: Place,
    /// Bytes of the chunk's steps that are behind it.
    used: usize,
}

impl Stretch {
    /// The number of the first frame of this stretch and that of the last; those asked for are
    /// among them. `None` when there is none.
    pub fn span(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.chunks.first()?, self.chunks.last()?);
        Some((first.first, last.first + last.count - 1))
    }

    /// Where a frame lies. Ascending numbers with one `cursor` are found fastest.
    ///
    /// # Errors
    /// When it is not in this stretch, or has to be found in its file and can't be.
    pub fn place(
        &self,
        number: u64,
        cursor: &mut Cursor,
        again: &mut dyn ReadAgain,
    ) -> Result<Place, Unread> {
        let missing = || Unread {
            place: Place::NOWHERE,
            reason: "where it lies was not noted".to_owned(),
        };
        let index = self
            .chunks
            .partition_point(|chunk| chunk.first <= number)
            .checked_sub(1)
            .ok_or_else(missing)?;
        let chunk = self.chunks.get(index).ok_or_else(missing)?;
        if number >= chunk.first + chunk.count {
            return Err(missing());
        }
        if cursor.chunk != index || cursor.number > number || cursor.number < chunk.first {
            *cursor = Cursor {
                chunk: index,
                number: chunk.first,
                place: chunk.place,
                used: 0,
            };
        }
        let Some(steps) = &chunk.steps else {
            while cursor.number < number {
                cursor.place = again.after(cursor.place)?.ok_or_else(missing)?;
                cursor.number += 1;
            }
            return Ok(cursor.place);
        };
        let mut rest = steps.get(cursor.used..).unwrap_or_default();
        while cursor.number < number {
            let place = &mut cursor.place;
            match take(&mut rest).ok_or_else(missing)? {
                0 => {
                    let input = take(&mut rest).ok_or_else(missing)?;
                    place.input = input as u32;
                    place.offset = take(&mut rest).ok_or_else(missing)?;
                }
                step => place.offset = place.offset.saturating_add(step - 1),
            }
            cursor.number += 1;
        }
        cursor.used = steps.len() - rest.len();
        Ok(cursor.place)
    }

    /// Reads a frame again.
    ///
    /// # Errors
    /// As [`place`](Self::place), and when what lies there is no frame.
    pub fn frame<'a>(
        &self,
        number: u64,
        cursor: &mut Cursor,
        again: &'a mut dyn ReadAgain,
    ) -> Result<CapturedFrame<'a>, Unread> {
        let place = self.place(number, cursor, again)?;
        if !place.is_somewhere() {
            return Err(Unread {
                place,
                reason: "it was not kept".to_owned(),
            });
        }
        again.frame(number, place)
    }
}

/// Where the frames of one flow lie: the list as it was when it was asked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// The flow.
    pub flow: FlowId,
    numbers: Numbers,
    /// Frames of earlier fragments, in no order.
    parts: Vec<u64>,
    stretch: Stretch,
}

impl Places {
    pub(super) fn of(
        flow: FlowId,
        numbers: Numbers,
        mut parts: Vec<u64>,
        stretch: Stretch,
    ) -> Self {
        parts.sort_unstable();
        Self {
            flow,
            numbers,
            parts,
            stretch,
        }
    }

    /// How many frames the flow has. Those that hold earlier fragments of its datagrams are not
    /// counted.
    pub fn len(&self) -> u64 {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the first frame.
    pub fn first(&self) -> u64 {
        self.numbers.first()
    }

    /// Number of the last frame.
    pub fn last(&self) -> u64 {
        self.numbers.last()
    }

    /// Whether the list was let go, so that all frames between the first and the last are looked
    /// at.
    pub fn is_vague(&self) -> bool {
        self.numbers.is_vague()
    }

    /// Whether the first frame opened a connection on the sockets of another.
    pub fn reuses_ports(&self) -> bool {
        self.numbers.reuses_ports
    }

    /// The numbers of its frames, ascending; none when the list was let go.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.numbers.iter()
    }

    /// All frames around it: from its first to its last.
    pub fn stretch(&self) -> &Stretch {
        &self.stretch
    }

    /// Reads its frames again, in order, with those of earlier fragments among them.
    pub fn each(
        &self,
        again: &mut dyn ReadAgain,
        visit: &mut dyn FnMut(Result<CapturedFrame<'_>, Unread>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut cursor = Cursor::default();
        if self.is_vague() {
            return self.search(&mut cursor, again, visit);
        }
        let mut parts = self.parts.iter().copied().peekable();
        for number in self.numbers() {
            while let Some(part) = parts.next_if(|&part| part < number) {
                visit(self.stretch.frame(part, &mut cursor, again))?;
            }
            visit(self.stretch.frame(number, &mut cursor, again))?;
        }
        ControlFlow::Continue(())
    }

    /// Finds its frames among all between the first and the last: those between its sockets, and
    /// what may be part of them or about them.
    fn search(
        &self,
        cursor: &mut Cursor,
        again: &mut dyn ReadAgain,
        visit: &mut dyn FnMut(Result<CapturedFrame<'_>, Unread>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut wanted = None;
        let begin = self.parts.first().copied().unwrap_or(self.first());
        for number in begin.min(self.first())..=self.last() {
            let frame = match self.stretch.frame(number, cursor, again) {
                Ok(frame) => frame,
                Err(unread) => {
                    visit(Err(unread))?;
                    continue;
                }
            };
            let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
            let ports = match (&decoded.transport, self.flow) {
                (Transport::Tcp(segment), FlowId::Tcp(_)) => {
                    Some((Protocol::Tcp, segment.source_port, segment.destination_port))
                }
                (Transport::Udp(datagram), FlowId::Udp(_)) => Some((
                    Protocol::Udp,
                    datagram.source_port,
                    datagram.destination_port,
                )),
                (Transport::Icmp(_) | Transport::Fragment(_), _) => None,
                _ => continue,
            };
            if let (Some((protocol, source, destination)), Some(ip)) = (ports, &decoded.ip) {
                let (key, _) = FlowKey::new(ip, protocol, source, destination);
                if number == self.first() {
                    wanted = Some(key);
                }
                if wanted.is_some() && wanted != Some(key) {
                    continue;
                }
            }
            visit(Ok(frame))?;
        }
        ControlFlow::Continue(())
    }
}
