//! The scenarios that can be run from the screen: what the generator has, as it lists them.

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// Its name, as `tcplens generate` takes it.
    pub name: String,
    /// The heading under which it stands.
    pub family: String,
    /// What it shows, in a line.
    pub summary: String,
    /// What happens in it.
    pub description: String,
}

/// All of them, and the one under the cursor.
#[derive(Clone, Debug, Default)]
pub struct Scenarios {
    /// All.
    pub all: Vec<Scenario>,
    /// The one under the cursor.
    pub at: usize,
}

impl Scenarios {
    /// These.
    pub fn of(all: Vec<Scenario>) -> Self {
        Self { all, at: 0 }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The one under the cursor.
    pub fn under_cursor(&self) -> Option<&Scenario> {
        self.all.get(self.at)
    }

    /// So many on.
    pub fn step(&mut self, by: isize) {
        let last = self.all.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }
}
