//! `tcplens score`: our verdicts beside an answer sheet.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use super::input::{self, Inputs, Output};
use crate::generator::truth::Sheet;
use crate::report::escape::escaped;
use crate::score::{self, Answers};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens generate random-loss -o a.pcapng --truth a.ndjson
  tcplens score a.pcapng --truth a.ndjson                how right the verdicts are
  tcplens score a.pcapng --truth a.ndjson --differences  … and where they are not
  tcplens score a.pcapng --truth a.ndjson --format json | jq .verdicts.retransmission

What the sheet marks as unknowable at this tap is not counted: there, unknown is the right answer. \
docs/truth.md describes answer sheets.")]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,

    /// The answer sheet of the capture
    #[arg(long, value_name = "SHEET")]
    truth: PathBuf,

    /// List every frame of which the verdicts differ from the sheet
    #[arg(long)]
    differences: bool,

    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = How::Text)]
    format: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// Tables to read
    Text,
    /// One JSON document, differences included
    Json,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let name = arguments.truth.display().to_string();
    let name = escaped(&name);
    let sheet = match File::open(&arguments.truth) {
        Ok(file) => Sheet::read(BufReader::new(file)),
        Err(error) => return Ok(Exit::usage(&format!("{name} can't be opened: {error}"))),
    };
    let sheet = match sheet {
        Ok(sheet) => sheet,
        Err(reason) => {
            let reason = escaped(&reason);
            return Ok(Exit::usage(&format!("{name} is no answer sheet: {reason}")));
        }
    };
    arguments.inputs.confine(&[]);
    let mut answers = Answers::default();
    let finished = input::run(&arguments.inputs, Output::AtTheEnd, &mut answers);
    let (frames, expected) = (answers.frames(), sheet.frames.len() as u64);
    if frames != expected {
        eprintln!("tcplens: the capture has {frames} frames, and {name} is about {expected}");
    }
    let score = score::compare(&sheet, &answers);
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.format {
        How::Text => score::text::print(&mut out, &sheet, &score, arguments.differences)?,
        How::Json => score::json::print(&mut out, &sheet, &score)?,
    }
    out.flush()?;
    finished.complain();
    Ok(finished.exit())
}
