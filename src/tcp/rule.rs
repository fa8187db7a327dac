//! The rules that verdicts rest on: what each means, where it comes from, and how the usual tool
//! differs. One table; `tcplens explain` prints from it, and every verdict names its rules.

macro_rules! rules {
    ($($variant:ident $name:literal $says:literal $source:literal $tshark:literal;)*) => {
        /// A rule that decided. What each says is in [`Rule::says`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $(#[doc = $says] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as it is printed.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the rule says, in a sentence or two.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// Where it comes from: RFC and section, paper, or what hosts are known to do.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source,)* }
            }

            /// What tshark (4.0) makes of the same; empty where it says the same.
            pub const fn tshark(self) -> &'static str {
                match self { $(Self::$variant => $tshark,)* }
            }
        }
    };
}

rules! {
    // Probes
    ProbeOfZeroWindow "probe-of-zero-window"
        "No or one octet at the edge of a peer's zero window: a window probe."
        "RFC 9293 section 3.8.6.1; Linux sends no octet, at SND.UNA-1"
        "Only a probe with one octet is a TCP ZeroWindowProbe; Linux's empty ones are TCP Keep-Alive.";
    ProbeOfIdlePeer "probe-of-idle-peer"
        "No or one octet just below SND.NXT with everything acknowledged: a keep-alive."
        "RFC 9293 section 3.8.4"
        "TCP Keep-Alive too, but also a keystroke that is sent again before it is acknowledged.";

    // Copies
    SamePacketAgain "same-packet-again"
        "The IP identification of a packet that passed already, and the same segment: a copy made by the network or the capture, not sent again."
        "RFC 791 section 3.2, RFC 6864; hosts number their packets, copies keep the number"
        "TCP Spurious Retransmission, TCP Retransmission or TCP Dup ACK.";
    SamePacketAtOnce "same-packet-at-once"
        "The same segment with no IP identification that tells packets apart, sooner than anything is sent again: a copy made by the network or the capture."
        "RFC 6298 section 5, RFC 5681 section 3.2: every cause of sending again takes longer"
        "TCP Spurious Retransmission, TCP Retransmission or TCP Dup ACK.";
    SamePacketWithoutCause "same-packet-without-cause"
        "The same segment with the same TSval, no IP identification that tells packets apart, nothing that asked for it and no timer that can have run out: a copy."
        "RFC 7323 section 5.4; RFC 6298 section 5"
        "TCP Retransmission or TCP Spurious Retransmission.";

    // Sent again
    SameSynAgain "same-syn-again"
        "A SYN with a sequence number already seen in a SYN: sent again."
        "RFC 9293 section 3.8.1, RFC 6298 section 5"
        "";
    SynAckTwice "syn-ack-twice"
        "A SYN-ACK with a sequence number already seen in a SYN-ACK: sent again by its timer, or because the SYN came again."
        "RFC 9293 section 3.10.7.4, RFC 6298 section 5"
        "";
    AnswersAnEarlierSyn "answers-an-earlier-syn"
        "The first SYN-ACK seen comes after a second SYN, and echoes the TSval of the first: the one that answered then was lost before the capture."
        "RFC 7323 section 3.2, RFC 6298 section 5"
        "Nothing: the segment looks new.";
    SeenBefore "seen-before"
        "Octets that passed before, in another packet: sent again."
        "RFC 9293 section 3.4"
        "TCP Out-Of-Order when it comes less than an initial round trip after the highest sequence number.";
    FilledWithNewerIpId "filled-with-newer-ip-id"
        "The octets fill a hole, and the IP identification is newer than that of an original above it, or of what shows the hole: sent again after it."
        "RFC 791 section 3.2; hosts number their packets in order of sending"
        "TCP Out-Of-Order when it comes less than an initial round trip after the highest sequence number.";
    FilledWithNewerTimestamp "filled-with-newer-timestamp"
        "The octets fill a hole, and TSval is newer than that of an original above it by about a round trip or more: sent again."
        "RFC 7323 section 3.2"
        "TCP Out-Of-Order when it comes less than an initial round trip after the highest sequence number.";
    FilledAfterARoundTrip "filled-after-a-round-trip"
        "The octets fill a hole that was asked to be filled, at least a round trip after it opened: sent again. A late original fits too."
        "RFC 5681 section 3.2; RFC 8985 section 3.2"
        "By the initial round trip only.";
    FilledLate "filled-late"
        "The octets fill a hole that nothing in this capture asked to be filled, long after it opened: sent again. A late original fits too."
        "RFC 6298 section 5"
        "By the initial round trip only.";
    SkippedItsOriginal "skipped-its-original"
        "In order and never seen, but the IP identification skipped a packet that no acknowledgment explains, and the sender was silent for as long as a timer: the skipped packet was its original, lost before the capture."
        "RFC 8985 section 7.2, RFC 6298 section 5; hosts number their packets"
        "Nothing: the segment looks new.";

    // First transmissions that came late
    FilledByIpIdOrder "filled-by-ip-id-order"
        "The octets fill a hole, and the IP identification is older than that of the original above it: the original, late."
        "RFC 791 section 3.2; hosts number their packets in order of sending"
        "TCP Retransmission when it comes more than an initial round trip late, TCP Fast Retransmission after two duplicate ACKs.";
    FilledByTimestampOrder "filled-by-timestamp-order"
        "The octets fill a hole, and TSval is older than that of the original above it: the original, late."
        "RFC 7323 section 3.2"
        "TCP Retransmission when it comes more than an initial round trip late, TCP Fast Retransmission after two duplicate ACKs.";
    FilledAtOnce "filled-at-once"
        "The octets fill a hole sooner than a sender can hear of it: the original, late."
        "RFC 5681 section 3.2; a round trip must pass first"
        "TCP Fast Retransmission after two duplicate ACKs.";
    CapturedAfterItsAck "captured-after-its-ack"
        "The octets were acknowledged just before they were captured, and nothing above them had been: the capture changed the order, nothing was sent again."
        "Paxson 1997, Automated Packet Trace Analysis of TCP Implementations, section 3"
        "TCP ACKed unseen segment, then TCP Spurious Retransmission.";
    OvertakenByItsRetransmission "overtaken-by-its-retransmission"
        "Octets that passed before, in a packet that was sent later than this one: the original, overtaken by its own retransmission."
        "RFC 791 section 3.2, RFC 7323 section 3.2"
        "TCP Spurious Retransmission.";

    // What made the sender send again
    AskedBySack "asked-by-sack"
        "SACK told the sender, in time, that something sent after these octets had arrived: fast retransmission."
        "RFC 6675 section 5, RFC 8985 section 6.2"
        "TCP Fast Retransmission only within 20 ms of the third duplicate ACK.";
    AskedByDuplicateAcks "asked-by-duplicate-acks"
        "Three duplicate acknowledgments reached the sender in time: fast retransmission."
        "RFC 5681 section 3.2"
        "TCP Fast Retransmission only within 20 ms of the last duplicate ACK, and after two of them.";
    AskedByPartialAck "asked-by-partial-ack"
        "An acknowledgment within a fast recovery covered some and not all of it: the next hole is sent again at once."
        "RFC 6582 section 3.2, RFC 6675 section 5"
        "TCP Retransmission or TCP Out-Of-Order.";
    TooSoonForATimer "too-soon-for-a-timer"
        "Nothing in this capture shows what asked for it, and it came too soon for a timer: fast retransmission."
        "RFC 5681 section 3.2"
        "By the initial round trip only.";
    SilenceOfATimer "silence-of-a-timer"
        "Nothing that the sender had heard asked for the octets, and it was silent for as long as its retransmission timer: timeout."
        "RFC 6298 section 5"
        "Never told: TCP Retransmission.";
    NobodyAsked "nobody-asked"
        "The octets arrived in order and were acknowledged at once, and no acknowledgment before that asks for anything: only a timer sends them again, whose silence a path that stood still has hidden."
        "RFC 6298 section 5, RFC 5681 section 3.2"
        "TCP Spurious Retransmission.";
    AfterATimeout "after-a-timeout"
        "The sender had run into a timeout, and not all that was outstanding then is acknowledged yet: the retransmission belongs to that timeout."
        "RFC 6298 section 5, RFC 5681 section 3.1 (slow start after a timeout)"
        "Never told: TCP Retransmission or TCP Out-Of-Order.";
    ProbeOfTheTail "probe-of-the-tail"
        "The last segment in flight, after a silence of about two smoothed round trips, while nothing had asked for it: a tail loss probe."
        "RFC 8985 section 7"
        "Never told: TCP Retransmission.";

    // Whether it was needed
    AckedBefore "acked-before"
        "An acknowledgment of every octet had passed before this segment: sent again needlessly."
        "RFC 9293 section 3.4"
        "TCP Spurious Retransmission.";
    SackedBefore "sacked-before"
        "A SACK of every octet had passed before this segment: sent again needlessly."
        "RFC 2018 section 3"
        "TCP Retransmission, TCP Fast Retransmission or TCP Out-Of-Order.";
    DsackReported "dsack-reported"
        "A DSACK reported the octets as received twice: sent again needlessly."
        "RFC 2883 section 4, RFC 3708"
        "Not used: the verdict stays, and the DSACK is a TCP Dup ACK.";
    AckedTooSoon "acked-too-soon"
        "The octets were acknowledged sooner after this segment than any round trip: an earlier copy had arrived."
        "RFC 3522 section 3 (the timing variant), RFC 5682"
        "Not used.";
    EchoOfTheOriginal "echo-of-the-original"
        "The acknowledgment echoes the TSval of the original, not of this segment: the original had arrived (Eifel detection)."
        "RFC 3522 section 3.2, RFC 4015"
        "Not used.";
    OriginalArrivedLater "original-arrived-later"
        "The original passed the capture after this segment did: it was late, not lost."
        "RFC 9293 section 3.4"
        "Not used.";
    SeenBesideTheReceiver "seen-beside-the-receiver"
        "The octets had passed the capture before, and the capture is beside the receiver: they had arrived."
        "the round trip from the capture to the receiver is a small part of the whole"
        "Not used.";
    SlowStartAfterIt "slow-start-after-it"
        "A tail loss probe or a timeout, by its time; what its sender sent next, two or three segments and then as acknowledgments came, is the slow start after a timeout."
        "RFC 5681 section 3.1 (LW), RFC 8985 section 7.4"
        "Never told: TCP Retransmission.";
    HoleStayed "hole-stayed"
        "The receiver went on asking for the octets although they had passed, or were overdue: it had not taken them, and sending again was needed."
        "RFC 2018 section 4"
        "Not used.";
    NobodyAnswers "nobody-answers"
        "The octets had passed beside the receiver, and it sent nothing after them, for longer than any acknowledgment is delayed: it had not taken them, and sending again was needed."
        "RFC 9293 section 3.8.6.3, RFC 5681 section 4.2"
        "Not used.";
    CarriedByLaterData "carried-by-later-data"
        "Its acknowledgment also covers octets that were sent after the original and only once: what was sent at that time arrived, and so had the original."
        "RFC 5682 section 2 (F-RTO)"
        "Not used.";
    CopiedOnTheWay "copied-on-the-way"
        "It was sent again because the SYN had come twice, or answers a copy."
        "RFC 9293 section 3.10.7.4"
        "Not used.";
    AcknowledgedInTime "acknowledged-in-time"
        "The octets were first acknowledged a round trip after this segment, and no DSACK said that they came twice: it was needed."
        "RFC 9293 section 3.4, RFC 2883 section 4"
        "Not used.";
    NothingArrivedBefore "nothing-arrived-before"
        "The octets had never passed, and nothing later says that the original arrived: it was needed."
        "RFC 9293 section 3.4"
        "Not used.";

    // Gaps
    Skipped "skipped"
        "Sequence numbers were skipped: the octets between have not been seen."
        "RFC 9293 section 3.4"
        "TCP Previous segment not captured, also when they only come late.";

    // Windows
    WindowIsZero "window-is-zero"
        "The window field is zero outside a SYN, FIN or RST."
        "RFC 9293 section 3.8.6"
        "";
    WindowUsedUp "window-used-up"
        "What was sent ends at the edge of the window that its sender knew, or beyond."
        "RFC 9293 section 3.8.6"
        "TCP Window Full, by the window that had passed the capture, not the one that the sender knew.";
    WindowNearlyUsedUp "window-nearly-used-up"
        "What was sent ends less than a segment before the edge of the window that its sender knew."
        "RFC 9293 section 3.8.6.2.1 (a sender avoids segments smaller than the largest)"
        "Nothing: it must end at the edge exactly.";
    OnlyWindowMoved "only-window-moved"
        "An empty segment with the same acknowledgment and another window."
        "RFC 9293 section 3.10.7.4"
        "TCP Window Update also for acknowledgments that bring SACK news.";

    // Acknowledgments
    SameAckAgain "same-ack-again"
        "An empty segment repeats acknowledgment and window while data is outstanding."
        "RFC 5681 section 2"
        "";
    NewSackOnly "new-sack-only"
        "An empty segment repeats the acknowledgment and SACKs octets not SACKed before; the window may have moved."
        "RFC 6675 section 2"
        "TCP Window Update when the window moved.";
    AckAboveAllSeen "ack-above-all-seen"
        "The acknowledgment lies above everything the capture has seen of the peer: the network delivered what the capture missed."
        "Paxson 1997, Automated Packet Trace Analysis of TCP Implementations, section 3"
        "";
    AckOfAGap "ack-of-a-gap"
        "The acknowledgment covers a gap that nothing the capture saw has filled: the network delivered what the capture missed."
        "Paxson 1997, Automated Packet Trace Analysis of TCP Implementations, section 3"
        "Nothing: only what lies above everything seen.";
    FirstBlockBelowAck "first-block-below-ack"
        "The first SACK block lies below the acknowledgment or inside the second block: a DSACK."
        "RFC 2883 section 4"
        "TCP Dup ACK.";
    AnswerToDisbelief "answer-to-disbelief"
        "A bare acknowledgment right after a RST or SYN that its sender does not believe: a challenge ACK."
        "RFC 5961 sections 3 and 4"
        "TCP Dup ACK or nothing.";

    // Resets
    ResetRefuses "reset-refuses"
        "A RST answers a SYN: nothing accepts the connection."
        "RFC 9293 section 3.10.7.1"
        "Only that RST is set.";
    ResetAborts "reset-aborts"
        "A RST inside the receiver's window while the connection was open: its sender gave it up."
        "RFC 9293 section 3.5.2, 3.9.1.6 (ABORT)"
        "Only that RST is set.";
    ResetAnswersLateData "reset-answers-late-data"
        "A RST from a host that had closed, in answer to data that came after: nobody was left to read it."
        "RFC 9293 section 3.6.1, RFC 1122 section 4.2.2.13"
        "Only that RST is set.";
    ResetAfterClose "reset-after-close"
        "A RST after both hosts had closed."
        "RFC 9293 section 3.5.2"
        "Only that RST is set.";
    ResetOutsideWindow "reset-outside-window"
        "A RST outside the receiver's window is not accepted: an old one, or somebody guesses."
        "RFC 5961 section 3"
        "Only that RST is set.";
    ResetOffTheMark "reset-off-the-mark"
        "A RST inside the receiver's window and beyond everything that its sender had sent: its receiver asks back instead of believing it, unless the capture missed what came before it."
        "RFC 5961 section 3.2"
        "Only that RST is set.";
    ResetFromElsewhere "reset-from-elsewhere"
        "A RST with a TTL far from that of its alleged sender's other packets: somebody between may have sent it."
        "RFC 5961 section 1.1; Weaver, Sommer, Paxson 2009, Detecting Forged TCP Reset Packets"
        "Only that RST is set.";

    // The rest
    NewSynOnOldSockets "new-syn-on-old-sockets"
        "A SYN with another initial sequence number, or after the close, on the sockets of an earlier connection."
        "RFC 9293 section 3.6.1, RFC 6191"
        "";
    EchoFlag "echo-flag"
        "The ECE flag is set outside the handshake: the receiver has seen a mark."
        "RFC 3168 section 6.1.3"
        "Only that the flag is set.";
    CodepointCe "codepoint-ce"
        "The ECN field of the IP header is CE: a router marked the packet instead of dropping it."
        "RFC 3168 section 5"
        "Only that the field is set.";
    BytesDiffer "bytes-differ"
        "Octets at sequence numbers seen before have other values, and nothing shows that one of the two was damaged."
        "RFC 9293 section 3.10.7.4; Ptacek and Newsham 1998"
        "TCP Retransmission; only its reassembly may warn.";
}

impl Rule {
    /// The rule of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn names_are_unique_and_lead_back() {
        for &rule in Rule::ALL {
            assert_eq!(Rule::named(rule.name()), Some(rule));
            assert!(!rule.says().is_empty() && !rule.source().is_empty());
        }
    }
}
