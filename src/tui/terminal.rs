//! The terminal: taken over, and given back as it was, whatever happens.

use std::io::{self, IsTerminal, Write, stdout};
use std::sync::Once;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;

use super::model::Model;
use super::view;

/// A terminal that was taken over. Dropping it gives it back.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<io::Stdout>>,
}

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Self> {
        if !stdout().is_terminal() {
            return Err(io::Error::other("standard output is no terminal"));
        }
        restore_after_panic();
        enter()?;
        let inner = ratatui::Terminal::new(CrosstermBackend::new(stdout()));
        match inner {
            Ok(inner) => Ok(Self { inner }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// Columns and lines.
    pub(super) fn size(&self) -> (u16, u16) {
        self.inner
            .size()
            .map_or((80, 24), |size| (size.width, size.height))
    }

    /// Draws.
    pub(super) fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.inner.draw(|frame| {
            let area = frame.area();
            view::draw(model, area, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// Forgets what was drawn, so that everything is drawn anew.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // ratatui's own clearing asks the terminal where its cursor is, and waits for an answer.
        let size = self.inner.size()?;
        self.inner.resize(size.into())
    }

    /// To the shell, until it says to go on.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            leave();
            // The whole job, as the terminal's own Ctrl-Z would.
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(0), nix::sys::signal::SIGSTOP)
                .map_err(io::Error::from)?;
            enter()?;
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    let entered = execute!(
        stdout(),
        EnterAlternateScreen,
        EnableMouseCapture,
        EnableBracketedPaste,
        SetTitle("tcplens"),
        crossterm::cursor::Hide
    );
    if entered.is_err() {
        leave();
    }
    entered
}

/// Gives everything back. What fails is passed over: there is nobody to tell.
fn leave() {
    let _ = execute!(
        stdout(),
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        crossterm::cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = stdout().flush();
}

/// A panic's words belong on the screen the user had.
fn restore_after_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            told(info);
        }));
    });
}

/// Puts text on the clipboard, by OSC 52: the terminal decides.
pub(super) fn copy(text: &str) {
    let _ = execute!(stdout(), CopyToClipboard::to_clipboard_from(text));
}
