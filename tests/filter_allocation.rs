//! Asking a filter of a frame costs no allocation, whatever it asks.
#![allow(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; this one counts and passes on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

use tcplens::analysis::{Analyzer, FrameView, Observer, Options};
use tcplens::filter::{Before, Filter, fields};
use tcplens::source::{self, OpenOptions};

struct Counting;

thread_local! {
    /// Allocations of this thread, so that the test harness's own do not count.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // While a thread ends there is nothing left to count in.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Asks all filters of every frame, and counts what asking allocates.
struct Asker {
    filters: Vec<(Filter, Before, u64)>,
    matches: u64,
}

impl Observer for Asker {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        for (filter, before, allocations) in &mut self.filters {
            let earlier = ALLOCATIONS.get();
            self.matches += u64::from(filter.matches_frame(view, before));
            *allocations += ALLOCATIONS.get() - earlier;
            before.note(view);
        }
        ControlFlow::Continue(())
    }
}

fn read(asker: &mut Asker) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/shop.pcapng");
    let mut analyzer = Analyzer::new(Options::default());
    source::open(&[file], &OpenOptions::default())
        .unwrap()
        .run(&mut |arrival| analyzer.arrive(arrival, asker))
        .unwrap();
}

#[test]
fn asking_a_filter_allocates_nothing() {
    let mut texts: Vec<String> = fields()
        .iter()
        .map(|field| field.name().to_owned())
        // A list of words is put together anew each time; after a first reading it is not asked.
        .filter(|name| !name.ends_with("options.others"))
        .collect();
    for text in [
        "tcp.port in {80, 443, 8000..8100} && !(ip.addr == 10.20.0.0/28)",
        "frame contains \"GET\" || tcp.payload matches \"host: \\\\w+\"",
        "tcp.payload[0:3] == 47:45:54 ^^ len(tcp.payload) > 100",
        "verdict.kind == retransmission && verdict.trigger in {timeout, fast}",
        "host contains \"10.2\" && tcp.time_delta > 1ms",
        "tcp.srcport > tcp.dstport && count(ip.addr) == 2",
        "eth.src[0:3] == 02:00:00 && tcp[13] & 2",
        "ip[9] == 06 && ip.src[0] == 0a && frame.protocols contains \"ip:tcp\"",
        "tcp.flags.str contains \"S\" || tcp.completeness.str contains \"R\" || 1 < tcp.len < 9",
    ] {
        texts.push(text.to_owned());
    }
    let filters = texts.iter().map(|text| {
        let filter = Filter::parse(text).unwrap();
        let before = Before::new(&filter);
        (filter, before, 0)
    });
    let mut asker = Asker {
        filters: filters.collect(),
        matches: 0,
    };
    // Regular expressions make their caches when they are first used.
    read(&mut asker);
    for (_, _, allocations) in &mut asker.filters {
        *allocations = 0;
    }
    read(&mut asker);
    assert!(asker.matches > 10_000, "{}", asker.matches);
    for (filter, _, allocations) in &asker.filters {
        assert_eq!(*allocations, 0, "{filter}");
    }
}
