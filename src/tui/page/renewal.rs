//! A page whose connection has gone on: it shows what has come, and one stays where one is.

use super::data::Subject;
use super::{Page, stream};

impl Page {
    /// Shows the connection as it is by now. Who stood at its last frame goes on with it; who did
    /// not stays at the frame.
    pub fn renew(&mut self, subject: Subject) {
        let was_last = self.at == self.last();
        let frame = self.frame();
        let all_in_sight = self.graphs.is_whole(&self.subject);
        let old = std::mem::replace(&mut self.subject, subject);
        // What was read again is still true; there may be more of the streams.
        self.subject.frame = old.frame;
        self.subject.stream = old.stream;
        self.subject.failed = old.failed;
        self.place_matches();
        self.stream.renew();
        // A proof is about the frame it was opened at.
        let row = match frame {
            Some(frame) if !was_last || self.proof.is_some() => self.detail().row_of(frame),
            _ => self.last(),
        };
        self.at = row.min(self.last());
        if all_in_sight {
            self.graphs.fit(&self.subject);
        }
        if self.frame() != frame {
            self.follow();
        }
        stream::arrived(self);
    }
}
