//! What a user does with a source that is captured as it is read: pausing, recording.

use super::edit::Edit;
use super::model::{Effect, Layer, Model};
use super::snapshot::Query;
use crate::report::style::Tone;

impl Model {
    /// Whether frames are captured as they are read.
    pub fn is_live(&self) -> bool {
        self.header().live.is_some()
    }

    /// Whether more is to come of it.
    pub(super) fn is_capturing(&self) -> bool {
        self.is_live() && !self.header().done
    }

    /// Lets everything stand still, or go on.
    pub(super) fn pause(&mut self) -> Vec<Effect> {
        /// Lines that are at hand while the list stands still.
        const LINES: usize = 1000;
        if !self.is_paused && !self.is_capturing() {
            let words = "only what is being captured can be paused";
            self.note = Some((Tone::Warning, words.to_owned()));
            return Vec::new();
        }
        self.is_paused = !self.is_paused;
        if !self.is_paused {
            self.note = Some((Tone::Quiet, "going on".to_owned()));
            return vec![Effect::Ask(self.query())];
        }
        let words = "paused: nothing is lost meanwhile; p goes on";
        self.note = Some((Tone::Quiet, words.to_owned()));
        vec![Effect::Ask(Query {
            lines: LINES,
            ..self.query()
        })]
    }

    /// Begins or ends a recording.
    pub(super) fn record(&mut self) -> Vec<Effect> {
        let Some(live) = &self.header().live else {
            let words = "only what is being captured can be recorded; `tcplens slice` writes \
                         parts of files";
            self.note = Some((Tone::Warning, words.to_owned()));
            return Vec::new();
        };
        if live.recording.is_some() {
            return vec![Effect::EndRecording];
        }
        if self.header().done {
            let words = "nothing is captured any more";
            self.note = Some((Tone::Warning, words.to_owned()));
            return Vec::new();
        }
        self.layer = Layer::Record(Edit::of(&self.name_to_record_to()));
        Vec::new()
    }

    /// A name that tells what is in the file and from when.
    fn name_to_record_to(&self) -> String {
        let header = self.header();
        let plain = |name: &String| {
            let own = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
            name.chars().filter(|&char| own(char)).collect::<String>()
        };
        let input = header.inputs.first().map(plain).unwrap_or_default();
        let input = match input.trim_matches(['-', '.']) {
            "" => "tcplens",
            input => input,
        };
        let now = header.first.unwrap_or_default() + header.span;
        let time: String = now
            .utc()
            .to_string()
            .chars()
            .take("2026-01-02T03:04:05".len())
            .filter(|char| char.is_ascii_digit())
            .collect();
        format!("{input}-{time}.pcapng")
    }
}
