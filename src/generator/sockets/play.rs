//! A lesson from its begin to its files.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Lesson;
use super::narrator::Narrator;
use super::record::{Kept, Record};
use super::stage::{LessonError, Party, Stage};
use super::tap::Tap;
use crate::calls::{Call, CallWriter, Header};
use crate::frame::{CapturedFrame, Place};
use crate::generator::PcapngWriter;
use crate::source::SourceError;

/// After the last call, what is still under way arrives: an acknowledgment may be delayed 40 ms.
const AFTERMATH: Duration = Duration::from_millis(120);

/// How a lesson is run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which of its hosts this is.
    pub party: Party,
    /// Where servers listen; port 0 is one that the kernel chooses. Loopback if not told.
    pub bind: Option<SocketAddr>,
    /// Where clients connect to, when the server is another host.
    pub connect: Option<SocketAddr>,
    /// Whether to capture.
    pub capture: bool,
    /// Columns of the transcript.
    pub columns: usize,
    /// Characters beyond ASCII in it.
    pub unicode: bool,
}

/// What a lesson left behind.
#[derive(Debug)]
pub struct Taken {
    name: &'static str,
    frames: Vec<Kept>,
    calls: Vec<Call>,
    /// Frames that the capture lost.
    pub missed: u64,
    /// Why it did not come to its end, if it did not.
    pub failure: Option<LessonError>,
}

/// Runs a lesson; the transcript goes to `out` while it runs. When `stop` becomes true, `rescue` gets
/// what there is by then: the lesson may be in a call that never returns, and who wants no more of
/// it ends the process there.
///
/// # Errors
/// When it should be captured and can't be.
pub fn run(
    lesson: &Lesson,
    setup: &Setup,
    out: &mut dyn Write,
    stop: &AtomicBool,
    rescue: &mut dyn FnMut(Taken),
) -> Result<Taken, SourceError> {
    let tap = if setup.capture {
        let interface = if setup.party == Party::Both {
            "lo"
        } else {
            "any"
        };
        Some(Tap::open(interface)?)
    } else {
        None
    };
    let (sender, events) = mpsc::channel();
    let record = Record::new(sender);
    let end_tap = tap.as_ref().map(|tap| std::sync::Arc::clone(&tap.stop));
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let stage = Stage {
        record: &record,
        party: setup.party,
        bind: setup.bind.unwrap_or(loopback),
        connect: setup.connect.filter(|_| setup.party == Party::Client),
    };
    let mut narrator = Narrator::new(out, &record, setup.columns, setup.unicode);
    let (played, captured) = thread::scope(|scope| {
        let record = &record;
        let tapping = tap.map(|tap| scope.spawn(move || tap.run(record)));
        let playing = scope.spawn(|| {
            // Also when the lesson panics, nobody waits for more.
            let _end = End {
                record,
                stop: end_tap.as_deref(),
            };
            let played = (lesson.play)(&stage);
            if let Some(stop) = &end_tap {
                thread::sleep(AFTERMATH);
                stop.store(true, Ordering::Relaxed);
            }
            let captured = tapping.map_or(Ok(()), |tapping| {
                let ended = || Err(LessonError::new("the capture ended".to_owned()));
                let told = |error: SourceError| LessonError::new(error.to_string());
                tapping
                    .join()
                    .map_or_else(|_| ended(), |result| result.map_err(told))
            });
            (played, captured)
        });
        narrator.listen(&events, (stop, AFTERMATH));
        if stop.load(Ordering::Relaxed) {
            rescue(Taken {
                name: lesson.name,
                missed: narrator.missed,
                failure: Some(LessonError::new("it was interrupted".to_owned())),
                frames: std::mem::take(&mut narrator.frames),
                calls: std::mem::take(&mut narrator.calls),
            });
        }
        let broken = || Err(LessonError::new("the lesson broke down".to_owned()));
        playing.join().unwrap_or_else(|_| (broken(), Ok(())))
    });
    Ok(Taken {
        name: lesson.name,
        missed: narrator.missed,
        failure: played.and(captured).err(),
        frames: narrator.frames,
        calls: narrator.calls,
    })
}

/// Ends capture and transcript when it goes.
struct End<'r> {
    record: &'r Record,
    stop: Option<&'r AtomicBool>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if let Some(stop) = self.stop {
            stop.store(true, Ordering::Relaxed);
        }
        self.record.end();
    }
}

impl Taken {
    /// How many frames were captured.
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// How many calls were made.
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// Writes the frames as pcapng.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn write_capture<W: Write>(&self, out: W) -> io::Result<W> {
        let mut file = PcapngWriter::new(out)?;
        let mut interfaces: HashMap<(&str, u32), u32> = HashMap::new();
        for (number, kept) in (1..).zip(&self.frames) {
            let key = (kept.interface.as_str(), kept.link.0);
            let interface = match interfaces.get(&key) {
                Some(&interface) => interface,
                None => {
                    let interface = file.interface(kept.link, Some(&kept.interface))?;
                    interfaces.insert(key, interface);
                    interface
                }
            };
            let frame = CapturedFrame {
                number,
                time: kept.time,
                interface,
                link: kept.link,
                wire_len: kept.wire_len,
                data: &kept.data,
                upcoming: &[],
                place: Place::NOWHERE,
            };
            file.frame(&frame, kept.comment.as_deref())?;
        }
        Ok(file.into_inner())
    }

    /// Writes the call log, of a capture of this name if there is one.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn write_calls<W: Write>(&self, out: W, capture: Option<&str>) -> io::Result<W> {
        let system = nix::sys::utsname::uname().ok().map(|names| {
            let (name, release) = (names.sysname(), names.release());
            format!("{} {}", name.to_string_lossy(), release.to_string_lossy())
        });
        let header = Header {
            lesson: Some(format!("sockets/{}", self.name)),
            capture: capture.map(str::to_owned),
            system,
            ..Header::default()
        };
        let mut writer = CallWriter::new(out, header)?;
        for call in &self.calls {
            writer.call(call)?;
        }
        Ok(writer.into_inner())
    }
}
