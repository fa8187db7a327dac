//! Verdicts as fields: Wireshark's `tcp.analysis` names for ours, and `verdict` for all that ours
//! say.

use super::field::{Field, Kind, Known, Moment, Out, Tally, Value};
use crate::analysis::FlowView;
use crate::tcp::verdict::{Confidence, Lost, Need, Resolution, Trigger};
use crate::tcp::{Kind as VerdictKind, Rule, Verdict, What};
use crate::wire::{Flags, Transport};

/// What stands for something that a verdict could tell and does not.
const UNKNOWN: &str = "unknown";

fn verdicts<'a>(m: &Moment<'a>) -> impl Iterator<Item = &'a Verdict> {
    m.view.events.iter().filter_map(|event| match &event.what {
        What::Verdict(verdict) => Some(verdict),
        _ => None,
    })
}

fn retransmissions<'a>(m: &Moment<'a>) -> impl Iterator<Item = &'a Verdict> {
    verdicts(m).filter(|verdict| verdict.kind == VerdictKind::Retransmission)
}

fn has(m: &Moment<'_>, kinds: &[VerdictKind], out: Out<'_>) {
    if verdicts(m).any(|verdict| kinds.contains(&verdict.kind)) {
        out(Value::There);
    }
}

fn has_any(m: &Moment<'_>, kind: VerdictKind) -> bool {
    verdicts(m).any(|verdict| verdict.kind == kind)
}

fn when(out: Out<'_>, there: bool) {
    if there {
        out(Value::There);
    }
}

/// The kinds that Wireshark has a flag for.
const FLAGGED: [VerdictKind; 13] = [
    VerdictKind::Retransmission,
    VerdictKind::Reordered,
    VerdictKind::Gap,
    VerdictKind::AckUnseen,
    VerdictKind::DuplicateAck,
    VerdictKind::ZeroWindow,
    VerdictKind::WindowFull,
    VerdictKind::WindowProbe,
    VerdictKind::KeepAlive,
    VerdictKind::PortReused,
    VerdictKind::WindowUpdate,
    VerdictKind::NetworkDuplicate,
    VerdictKind::ConflictingOverlap,
];

macro_rules! flags {
    ($($name:literal $kind:ident $says:literal;)*) => {
        vec![$(Field::frame(
            concat!("tcp.analysis.", $name),
            Kind::Protocol,
            $says,
            |m, out| has(m, &[VerdictKind::$kind], out),
            Known::Some(&[Tally::Kind(VerdictKind::$kind)]),
        ),)*]
    };
}

fn lost(verdict: &Verdict) -> &'static str {
    match (verdict.lost, verdict.need) {
        (Some(lost), _) => lost.name(),
        (None, Some(Need::Spurious)) => "not-lost",
        (None, _) => UNKNOWN,
    }
}

pub(super) fn list() -> Vec<Field> {
    let mut list = vec![Field::frame(
        "tcp.analysis.flags",
        Kind::Protocol,
        "Any verdict that Wireshark has a flag for",
        |m, out| has(m, &FLAGGED, out),
        Known::No,
    )];
    list.extend(flags! {
        "retransmission" Retransmission "Sent again, whatever triggered it";
        "out_of_order" Reordered "A first transmission that came late";
        "lost_segment" Gap "Sequence numbers before it were skipped";
        "ack_lost_segment" AckUnseen "It acknowledges octets that the capture never saw";
        "duplicate_ack" DuplicateAck "A duplicate acknowledgment, or one with new SACK information only";
        "zero_window" ZeroWindow "The window is zero";
        "window_full" WindowFull "It fills the peer's window";
        "window_update" WindowUpdate "Only the window moved";
        "keep_alive" KeepAlive "A keep-alive probe";
        "zero_window_probe" WindowProbe "A probe of a zero window";
        "reused_ports" PortReused "A SYN on the sockets of an earlier connection";
    });
    let verdict = |name: &str, kind, says, of| Field::frame(name, kind, says, of, Known::No);
    list.extend([
        Field::frame(
            "tcp.analysis.fast_retransmission",
            Kind::Protocol,
            "Sent again because of duplicate acknowledgments or SACK",
            |m, out| {
                when(
                    out,
                    retransmissions(m).any(|each| each.trigger == Some(Trigger::Fast)),
                );
            },
            Known::Some(&[Tally::Fast]),
        ),
        Field::frame(
            "tcp.analysis.spurious_retransmission",
            Kind::Protocol,
            "Sent again although a copy had arrived",
            |m, out| {
                when(
                    out,
                    retransmissions(m).any(|each| each.need == Some(Need::Spurious)),
                );
            },
            Known::Some(&[Tally::Spurious]),
        ),
        verdict(
            "tcp.analysis.bytes_in_flight",
            Kind::Number,
            "Sequence space in flight once this segment is sent, of those that take any",
            |m, out| {
                if let (FlowView::Tcp { view, from }, Transport::Tcp(segment)) =
                    (&m.view.flow, &m.view.decoded.transport)
                    && (segment.payload_len > 0 || segment.flags.any(Flags::SYN | Flags::FIN))
                {
                    out(view.connection.endpoint(*from).in_flight().into());
                }
            },
        ),
        verdict(
            "tcp.analysis.initial_rtt",
            Kind::Duration,
            "Round trip of the handshake, from its end on",
            |m, out| {
                if let FlowView::Tcp { view, .. } = &m.view.flow
                    && let Some(span) = view.connection.handshake.round_trip()
                {
                    out(Value::Number(span.as_nanos()));
                }
            },
        ),
        verdict(
            "tcp.analysis.ack_rtt",
            Kind::Duration,
            "Round trip that this acknowledgment tells: time since the newest segment that it covers; none where the copy that it answers is not known",
            |m, out| {
                if let FlowView::Tcp { view, from } = m.view.flow {
                    let rtt = &view.connection.endpoint(from).rtt;
                    // What SACK alone tells is no acknowledgment of it.
                    if rtt.count() > m.before.samples(view.id, from)
                        && !has_any(m, VerdictKind::DuplicateAck)
                        && let Some(span) = rtt.latest()
                    {
                        out(Value::Number(span.as_nanos()));
                    }
                }
            },
        ),
        verdict(
            "tcp.analysis.keep_alive_ack",
            Kind::Protocol,
            "The answer to a keep-alive probe",
            |m, out| {
                if let (FlowView::Tcp { view, from }, Transport::Tcp(segment)) =
                    (&m.view.flow, &m.view.decoded.transport)
                {
                    let is_bare = segment.payload_len == 0
                        && !segment.flags.any(Flags::SYN | Flags::FIN | Flags::RST);
                    let answers = is_bare && m.before.has_probed(view.id, from.peer());
                    when(out, answers && !has_any(m, VerdictKind::KeepAlive));
                }
            },
        ),
        Field::frame(
            "verdict.kind",
            Kind::Text,
            "What a verdict says it is",
            |m, out| verdicts(m).for_each(|each| out(Value::Text(each.kind.name()))),
            Known::Kinds,
        )
        .words(VerdictKind::ALL.map(VerdictKind::name)),
        verdict(
            "verdict.trigger",
            Kind::Text,
            "What made the sender send again",
            |m, out| {
                for each in retransmissions(m) {
                    out(Value::Text(each.trigger.map_or(UNKNOWN, Trigger::name)));
                }
            },
        )
        .words(Trigger::ALL.map(Trigger::name).into_iter().chain([UNKNOWN])),
        verdict(
            "verdict.need",
            Kind::Text,
            "Whether sending again was needed",
            |m, out| {
                for each in retransmissions(m) {
                    out(Value::Text(each.need.map_or(UNKNOWN, Need::name)));
                }
            },
        )
        .words([Need::Needed.name(), Need::Spurious.name(), UNKNOWN]),
        verdict(
            "verdict.lost",
            Kind::Text,
            "Where the original of a retransmission was lost",
            |m, out| retransmissions(m).for_each(|each| out(Value::Text(lost(each)))),
        )
        .words([
            Lost::BeforeTap.name(),
            Lost::AfterTap.name(),
            "not-lost",
            UNKNOWN,
        ]),
        verdict(
            "verdict.resolution",
            Kind::Text,
            "How a gap ended",
            |m, out| {
                for each in verdicts(m).filter(|each| each.kind == VerdictKind::Gap) {
                    out(Value::Text(
                        each.resolution.map_or("open", Resolution::name),
                    ));
                }
            },
        )
        .words([
            Resolution::FilledLate.name(),
            Resolution::Lost.name(),
            Resolution::NeverCaptured.name(),
            "open",
        ]),
        verdict(
            "verdict.confidence",
            Kind::Text,
            "How sure a verdict is",
            |m, out| verdicts(m).for_each(|each| out(Value::Text(each.confidence.name()))),
        )
        .words([
            Confidence::Certain.name(),
            Confidence::Likely.name(),
            Confidence::Ambiguous.name(),
        ]),
        verdict(
            "verdict.rule",
            Kind::Text,
            "The rules that decided (`tcplens explain` has them all)",
            |m, out| {
                for rule in verdicts(m).flat_map(Verdict::rules) {
                    out(Value::Text(rule.name()));
                }
            },
        )
        .words(Rule::ALL.iter().map(|rule| rule.name())),
        verdict(
            "verdict.octets",
            Kind::Number,
            "Octets concerned: sent again, skipped, or in conflict",
            |m, out| verdicts(m).for_each(|each| out(each.octets.into())),
        ),
        verdict(
            "verdict.waited",
            Kind::Duration,
            "Time since the same octets last passed, or since the sender's last news",
            |m, out| {
                for span in verdicts(m).filter_map(|each| each.proof.waited) {
                    out(Value::Number(span.as_nanos()));
                }
            },
        ),
    ]);
    list
}
