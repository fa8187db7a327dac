//! Where tshark's flags say something else than our verdicts, frame by frame, and why.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::style::Tone;
use super::text::{Lines, Look, left, right, wrap};
use super::units::{counted, grouped};
use crate::tcp::verdict::{Need, Trigger};
use crate::tcp::{Event, Kind, Rule, Verdict, What};

/// A flag of tshark's, and the kind of verdict that means the same.
struct Flag {
    /// The field to ask for; empty where tshark has none.
    field: &'static str,
    /// The words for it.
    tshark: &'static str,
    /// Our kind; none where we have no verdict of its own.
    kind: Option<Kind>,
}

const fn flag(field: &'static str, tshark: &'static str, kind: Option<Kind>) -> Flag {
    Flag {
        field,
        tshark,
        kind,
    }
}

/// All flags, in the order of their bits.
const FLAGS: [Flag; 16] = [
    flag(
        "tcp.analysis.retransmission",
        "retransmission",
        Some(Kind::Retransmission),
    ),
    // These two tell of a retransmission; see `FAST` and `SPURIOUS`.
    flag("tcp.analysis.fast_retransmission", "fast", None),
    flag("tcp.analysis.spurious_retransmission", "spurious", None),
    flag(
        "tcp.analysis.out_of_order",
        "out-of-order",
        Some(Kind::Reordered),
    ),
    flag("", "network-duplicate", Some(Kind::NetworkDuplicate)),
    flag("tcp.analysis.lost_segment", "lost-segment", Some(Kind::Gap)),
    flag(
        "tcp.analysis.duplicate_ack",
        "duplicate-ack",
        Some(Kind::DuplicateAck),
    ),
    flag(
        "tcp.analysis.ack_lost_segment",
        "ack-lost-segment",
        Some(Kind::AckUnseen),
    ),
    flag(
        "tcp.analysis.zero_window",
        "zero-window",
        Some(Kind::ZeroWindow),
    ),
    flag(
        "tcp.analysis.window_full",
        "window-full",
        Some(Kind::WindowFull),
    ),
    flag(
        "tcp.analysis.window_update",
        "window-update",
        Some(Kind::WindowUpdate),
    ),
    flag(
        "tcp.analysis.keep_alive",
        "keep-alive",
        Some(Kind::KeepAlive),
    ),
    flag(
        "tcp.analysis.zero_window_probe",
        "zero-window-probe",
        Some(Kind::WindowProbe),
    ),
    flag(
        "tcp.analysis.reused_ports",
        "reused-ports",
        Some(Kind::PortReused),
    ),
    // Answers, that are told only beside something else.
    flag("tcp.analysis.keep_alive_ack", "keep-alive-ack", None),
    flag(
        "tcp.analysis.zero_window_probe_ack",
        "zero-window-probe-ack",
        None,
    ),
];

/// A set of flags: a bit for each of [`FLAGS`].
type Bits = u16;

const RETRANSMISSION: Bits = 1;
const FAST: Bits = 1 << 1;
const SPURIOUS: Bits = 1 << 2;
const CAUSE: Bits = FAST | SPURIOUS;

/// The fields of a frame to ask tshark for, in the order in which [`Theirs::parse`] reads them.
pub fn fields() -> impl Iterator<Item = &'static str> {
    let fields = FLAGS.iter().map(|flag| flag.field);
    ["frame.number"]
        .into_iter()
        .chain(fields.filter(|field| !field.is_empty()))
}

/// Bits of kinds that both can tell.
fn comparable() -> Bits {
    let bits = FLAGS.iter().enumerate();
    bits.filter(|(_, flag)| flag.kind.is_some())
        .fold(0, |bits, (at, _)| bits | 1 << at)
}

/// What tshark says of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theirs(Bits);

impl Theirs {
    /// A line of tshark's, its [`fields`] parted by tabs: the frame's number and what is said of
    /// it. `None` for anything else.
    pub fn parse(line: &str) -> Option<(u64, Self)> {
        let mut values = line.trim_end_matches(['\r', '\n']).split('\t');
        let frame = values.next()?.parse().ok()?;
        let mut bits = 0;
        for (at, flag) in FLAGS.iter().enumerate() {
            // A field that is there has a value: 1, or True from tshark 4.2 on.
            if !flag.field.is_empty() && !values.next()?.is_empty() {
                bits |= 1 << at;
            }
        }
        if values.next().is_some() {
            return None;
        }
        if bits & CAUSE != 0 {
            bits |= RETRANSMISSION;
        }
        Some((frame, Self(bits)))
    }
}

/// The bits of a verdict.
fn bits(verdict: &Verdict) -> Bits {
    let place = FLAGS
        .iter()
        .position(|flag| flag.kind == Some(verdict.kind));
    let Some(place) = place else {
        return 0;
    };
    let mut bits = 1 << place;
    if bits == RETRANSMISSION {
        if verdict.trigger == Some(Trigger::Fast) {
            bits |= FAST;
        }
        if verdict.need == Some(Need::Spurious) {
            bits |= SPURIOUS;
        }
    }
    bits
}

/// Flags in words: ours, or tshark's.
fn words(bits: Bits, ours: bool) -> String {
    let mut words = Vec::new();
    for (at, flag) in FLAGS.iter().enumerate() {
        if bits & 1 << at == 0 || (1 << at) & CAUSE != 0 {
            continue;
        }
        let mut word = match flag.kind {
            Some(kind) if ours => kind.name().to_owned(),
            _ => flag.tshark.to_owned(),
        };
        if 1 << at == RETRANSMISSION {
            word += match (bits & FAST != 0, bits & SPURIOUS != 0) {
                (true, true) => " (fast, spurious)",
                (true, false) => " (fast)",
                (false, true) => " (spurious)",
                (false, false) => "",
            };
        }
        words.push(word);
    }
    if words.is_empty() {
        return "nothing".to_owned();
    }
    words.join(" + ")
}

/// What of two sets is not in the other: causes count where both have a retransmission.
fn difference(ours: Bits, theirs: Bits) -> (Bits, Bits) {
    let comparable = comparable();
    let mut only = (ours & !theirs & comparable, theirs & !ours & comparable);
    if ours & theirs & RETRANSMISSION != 0 && (ours ^ theirs) & CAUSE != 0 {
        only.0 |= RETRANSMISSION;
        only.1 |= RETRANSMISSION;
    }
    let with_cause = |only: Bits, all: Bits| match only & RETRANSMISSION {
        0 => only,
        _ => only | (all & CAUSE),
    };
    (with_cause(only.0, ours), with_cause(only.1, theirs))
}

/// The rule of a verdict that made the difference.
fn decisive(verdict: &Verdict, ours: Bits, theirs: Bits) -> Rule {
    let both = ours & theirs & RETRANSMISSION != 0 && verdict.kind == Kind::Retransmission;
    let deciding = match (ours ^ theirs) & CAUSE {
        _ if !both => None,
        cause if cause & FAST != 0 => verdict.trigger_rule,
        _ => verdict.need_rule,
    };
    deciding.unwrap_or(verdict.rule)
}

/// Columns of frame numbers and counts, and of what we say.
const FRAME: usize = 8;
const OURS: usize = 43;
const MARGIN: usize = FRAME + 2;

/// Compares frame by frame, and prints what differs.
pub struct Comparison<'a> {
    lines: Lines<'a>,
    compared: u64,
    differing: u64,
    agreed: BTreeMap<Bits, u64>,
    differed: BTreeMap<(Bits, Bits), u64>,
    told: Vec<Rule>,
}

impl<'a> Comparison<'a> {
    /// A comparison of nothing yet.
    pub fn new(look: Look, out: &'a mut dyn Write) -> Self {
        Self {
            lines: Lines::new(look, out),
            compared: 0,
            differing: 0,
            agreed: BTreeMap::new(),
            differed: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Compares what is said of a frame: by us as its events, and by tshark.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn frame(&mut self, number: u64, events: &[Event], theirs: Theirs) -> io::Result<()> {
        let verdicts = || {
            events.iter().filter_map(|event| match &event.what {
                What::Verdict(verdict) => Some(verdict),
                _ => None,
            })
        };
        let ours = verdicts().fold(0, |all, verdict| all | bits(verdict));
        let theirs = theirs.0;
        if (ours | theirs) & comparable() == 0 {
            return Ok(());
        }
        self.compared += 1;
        let (left_over, right_over) = difference(ours, theirs);
        let agreed = ours & theirs & comparable() & !(left_over & right_over);
        for at in 0..FLAGS.len() {
            if agreed & 1 << at != 0 {
                let cause = if 1 << at == RETRANSMISSION {
                    ours & CAUSE
                } else {
                    0
                };
                *self.agreed.entry(1 << at | cause).or_default() += 1;
            }
        }
        if left_over | right_over == 0 {
            return Ok(());
        }
        if self.differing == 0 {
            let heading = format!("{}  {}tshark", right("frame", FRAME), left("tcplens", OURS));
            self.lines.line(Tone::Heading, &heading)?;
        }
        self.differing += 1;
        *self.differed.entry((left_over, right_over)).or_default() += 1;
        // What has no counterpart tells why only where nothing else does.
        let concerned = |verdict: &&Verdict| match left_over {
            0 => bits(verdict) & right_over == 0,
            _ => bits(verdict) & left_over & comparable() != 0,
        };
        let concerned: Vec<_> = verdicts().filter(concerned).collect();
        let said: Vec<_> = concerned.iter().map(ToString::to_string).collect();
        let said = match said.as_slice() {
            [] => "nothing".to_owned(),
            said => said.join(" + "),
        };
        let rules: Vec<_> = concerned
            .iter()
            .map(|verdict| decisive(verdict, ours, theirs))
            .collect();
        self.difference(number, &said, &words(right_over, false), &rules)
    }

    fn difference(
        &mut self,
        number: u64,
        ours: &str,
        theirs: &str,
        rules: &[Rule],
    ) -> io::Result<()> {
        let names: Vec<_> = rules.iter().map(|rule| rule.name()).collect();
        let names = match names.as_slice() {
            [] => String::new(),
            names => format!(" [{}]", names.join(", ")),
        };
        let start = format!("{}  ", right(grouped(number), FRAME));
        let width = self.lines.look.width;
        if ours.chars().count() < OURS {
            let text = format!("{start}{}", left(ours, OURS));
            let beside = format!("{theirs}{names}");
            if text.chars().count() + beside.chars().count() <= width {
                self.lines.line(Tone::Plain, &format!("{text}{beside}"))?;
            } else {
                self.lines.line(Tone::Plain, &format!("{text}{theirs}"))?;
                self.below(names.trim_start())?;
            }
        } else {
            self.lines.line(Tone::Plain, &format!("{start}{ours}"))?;
            let indent = MARGIN + OURS;
            let text = format!("{:indent$}{theirs}", "");
            self.lines.line(Tone::Plain, &text)?;
            self.below(names.trim_start())?;
        }
        // Why, where a rule is met for the first time.
        for rule in rules {
            if rule.tshark().is_empty() || self.told.contains(rule) {
                continue;
            }
            self.told.push(*rule);
            let text = format!("{} tshark: {}", rule.says(), rule.tshark());
            self.below(&text)?;
        }
        Ok(())
    }

    /// Text of a frame, below its line.
    fn below(&mut self, text: &str) -> io::Result<()> {
        let width = self.lines.look.width.saturating_sub(MARGIN + 2).max(20);
        for part in wrap(text, width).iter().filter(|part| !part.is_empty()) {
            let text = format!("{:MARGIN$}  {part}", "");
            self.lines.line(Tone::Quiet, &text)?;
        }
        Ok(())
    }

    /// Prints the counts.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        let lines = &mut self.lines;
        if self.differing > 0 {
            lines.blank()?;
        }
        let text = format!(
            "{} with a verdict of either: {} told alike, {} differently",
            counted(self.compared, "frame"),
            grouped(self.compared - self.differing),
            grouped(self.differing)
        );
        lines.line(Tone::Heading, &text)?;
        if !self.differed.is_empty() {
            let heading = format!(
                "{}  {}tshark",
                right("frames", FRAME),
                left("tcplens", OURS)
            );
            lines.blank()?;
            lines.line(Tone::Heading, &heading)?;
        }
        let mut differed: Vec<_> = self.differed.into_iter().collect();
        differed.sort_by_key(|&(_, count)| core::cmp::Reverse(count));
        for ((ours, theirs), count) in differed {
            let text = format!(
                "{}  {} {}",
                right(grouped(count), FRAME),
                left(&words(ours, true), OURS - 1),
                words(theirs, false)
            );
            lines.line(Tone::Plain, &text)?;
        }
        if !self.agreed.is_empty() {
            lines.blank()?;
            let heading = format!("{}  alike", right("verdicts", FRAME));
            lines.line(Tone::Heading, &heading)?;
        }
        let mut agreed: Vec<_> = self.agreed.into_iter().collect();
        agreed.sort_by_key(|&(_, count)| core::cmp::Reverse(count));
        for (bits, count) in agreed {
            let text = format!("{}  {}", right(grouped(count), FRAME), words(bits, true));
            lines.line(Tone::Plain, &text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Role;
    use crate::tcp::verdict::Confidence;
    use crate::time::Timestamp;

    /// What tshark would print of a frame with these flags.
    fn line(frame: u64, set: &[&str]) -> String {
        let values = fields().skip(1).map(|field| {
            let name = field.trim_start_matches("tcp.analysis.");
            if set.contains(&name) { "1" } else { "" }
        });
        let values: Vec<_> = values.collect();
        format!("{frame}\t{}\n", values.join("\t"))
    }

    fn theirs(set: &[&str]) -> Theirs {
        Theirs::parse(&line(7, set)).unwrap().1
    }

    #[test]
    fn lines_of_tshark() {
        assert_eq!(Theirs::parse(&line(7, &[])), Some((7, Theirs(0))));
        let fast = theirs(&["fast_retransmission"]);
        assert_eq!(fast, theirs(&["fast_retransmission", "retransmission"]));
        assert_eq!(words(fast.0, false), "retransmission (fast)");
        assert_eq!(words(theirs(&["out_of_order"]).0, false), "out-of-order");
        for odd in [
            "",
            "frame",
            "7",
            "7\t1",
            &(line(7, &[]).trim_end_matches('\n').to_owned() + "\t"),
        ] {
            assert_eq!(Theirs::parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn every_flag_has_its_bit() {
        assert_eq!(FLAGS[0].kind, Some(Kind::Retransmission));
        assert_eq!(FLAGS[1].tshark, "fast");
        assert_eq!(FLAGS[2].tshark, "spurious");
        assert_eq!(comparable() & CAUSE, 0);
    }

    #[test]
    fn causes_count_where_both_have_a_retransmission() {
        let fast = RETRANSMISSION | FAST;
        assert_eq!(difference(fast, RETRANSMISSION), (fast, RETRANSMISSION));
        assert_eq!(difference(fast, fast), (0, 0));
        let reordered = theirs(&["out_of_order"]).0;
        assert_eq!(difference(fast, reordered), (fast, reordered));
        // An answer to a keep-alive is no difference by itself.
        assert_eq!(difference(0, theirs(&["keep_alive_ack"]).0), (0, 0));
    }

    fn event(verdict: Verdict) -> Event {
        Event {
            frame: 7,
            time: Timestamp::from_nanos(0),
            from: Role::Client,
            what: What::Verdict(verdict),
        }
    }

    #[test]
    fn differences_are_printed_with_their_reason_once() {
        let mut fast = Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Certain);
        fast.trigger = Some(Trigger::Fast);
        fast.trigger_rule = Some(Rule::AskedBySack);
        let ack = Verdict::new(Kind::DuplicateAck, Rule::SameAckAgain, Confidence::Certain);
        let dsack = Verdict::new(Kind::Dsack, Rule::FirstBlockBelowAck, Confidence::Certain);
        let mut out = Vec::new();
        let mut comparison = Comparison::new(Look::default(), &mut out);
        let mut put = |frame, verdicts: &[Verdict], set: &[&str]| {
            let events: Vec<_> = verdicts.iter().copied().map(event).collect();
            comparison.frame(frame, &events, theirs(set)).unwrap();
        };
        put(1, &[], &[]);
        put(2, &[ack], &["duplicate_ack"]);
        put(3, &[fast], &["out_of_order"]);
        put(4, &[fast], &["out_of_order"]);
        put(5, &[fast], &["retransmission"]);
        put(6, &[dsack], &["duplicate_ack"]);
        put(7, &[], &["window_full"]);
        comparison.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = "   frame  tcplens                                    tshark
       3  retransmission (fast)                      out-of-order [seen-before]
            Octets that passed before, in another packet: sent again. tshark:
            TCP Out-Of-Order when it comes less than an initial round trip after
            the highest sequence number.
       4  retransmission (fast)                      out-of-order [seen-before]
       5  retransmission (fast)                      retransmission
            [asked-by-sack]
            SACK told the sender, in time, that something sent after these
            octets had arrived: fast retransmission. tshark: TCP Fast
            Retransmission only within 20 ms of the third duplicate ACK.
       6  dsack                                      duplicate-ack
            [first-block-below-ack]
            The first SACK block lies below the acknowledgment or inside the
            second block: a DSACK. tshark: TCP Dup ACK.
       7  nothing                                    window-full

6 frames with a verdict of either: 1 told alike, 5 differently

  frames  tcplens                                    tshark
       2  retransmission (fast)                      out-of-order
       1  nothing                                    duplicate-ack
       1  nothing                                    window-full
       1  retransmission (fast)                      retransmission

verdicts  alike
       1  duplicate-ack
";
        assert_eq!(text, expected);
    }
}
