//! `--filter`: which frames or connections a command is about; and the reading that it takes to
//! know them.

use std::ffi::OsStr;

use clap::Args;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;

use super::Exit;
use super::input::{self, Finished, Inputs, Output};
use super::selection::Selection;
use crate::analysis::{Observer, Revisions};
use crate::filter::{Before, Filter, Found, Needs, Scan, chosen};

/// What stands above the option.
const HEADING: &str = "Filter";

/// The option.
#[derive(Args, Clone, Debug)]
pub(super) struct Filtering {
    /// Only what this display filter matches, such as 'tcp.port == 443 && conn.retransmissions > 3';
    /// docs/filters.md has its language and fields
    #[arg(long, short = 'Y', value_name = "EXPR", value_parser = Expression, help_heading = HEADING)]
    pub(super) filter: Option<Filter>,
}

impl Filtering {
    pub(super) fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }
}

/// Compiles the option, so that an error points at its place.
#[derive(Clone)]
pub(super) struct Expression;

impl TypedValueParser for Expression {
    type Value = Filter;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Filter, clap::Error> {
        let text = value.to_string_lossy();
        Filter::parse(&text).map_err(|error| {
            let message = format!("{error}\n\n{}\n", error.pointed_at(&text));
            clap::Error::raw(ErrorKind::ValueValidation, message)
        })
    }
}

/// What a filter knows before it is asked of frames.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) before: Before,
    pub(super) revisions: Option<Revisions>,
}

/// Reads the inputs for what a filter must know of the end of them, if it must and they can be
/// read again; and then for `second`.
pub(super) fn run<O: Observer>(
    inputs: &Inputs,
    output: Output,
    filter: Option<&Filter>,
    second: impl FnOnce(Prepared) -> O,
) -> (Finished, O) {
    let asks_for_more = |filter: &&Filter| filter.asks_for_verdicts() || filter.asks_for_figures();
    match filter.filter(asks_for_more) {
        Some(filter) => input::twice(inputs, output, None, |first| {
            second(prepare(Some(filter), first))
        }),
        None => {
            let before = filter.map(Before::new).unwrap_or_default();
            let mut observer = second(Prepared {
                before,
                revisions: None,
            });
            let finished = input::run(inputs, output, &mut observer);
            (finished, observer)
        }
    }
}

/// What a first reading tells a filter.
pub(super) fn prepare(filter: Option<&Filter>, first: Option<input::First>) -> Prepared {
    let mut before = filter.map(Before::new).unwrap_or_default();
    let revisions = first.map(|first| {
        if let Some(filter) = filter {
            before.learn(filter, &first.analyzer);
        }
        first.revisions
    });
    Prepared { before, revisions }
}

/// Reads the inputs, and finds the connections and conversations that a filter matches.
pub(super) fn choose(inputs: &Inputs, filter: &Filter) -> (Finished, Found) {
    let (finished, found) = match filter.needs() {
        Needs::Connection => (input::figures(inputs), Found::default()),
        Needs::Frames => {
            let scan = |prepared: Prepared| Scan::new(filter, prepared.before, prepared.revisions);
            let (finished, scan) = run(inputs, Output::AtTheEnd, Some(filter), scan);
            (finished, scan.into_found())
        }
    };
    let chosen = chosen(filter, &finished.analyzer, &found);
    (finished, chosen)
}

/// The inputs and the one connection that is meant: by its number, or as the only one that the
/// filter matches. With a number, the filter is left to choose frames.
pub(super) fn connection<'f>(
    selection: &Selection,
    filtering: &'f Filtering,
) -> Result<(Inputs, u32, Option<&'f Filter>), Exit> {
    let filter = filtering.filter();
    match (selection.resolve(), filter, selection.without_number()) {
        (Ok((inputs, connection)), ..) => Ok((inputs, connection, filter)),
        (Err(_), Some(filter), Some(inputs)) => {
            let connection = the_only_one(&inputs, filter)?;
            Ok((inputs, connection, None))
        }
        (Err(message), ..) => Err(Exit::usage(&message)),
    }
}

fn the_only_one(inputs: &Inputs, filter: &Filter) -> Result<u32, Exit> {
    /// Numbers that are told when there are several.
    const TOLD: usize = 10;
    if inputs.is_read_once() {
        return Err(Exit::usage(
            "to find a connection by a filter the input is read twice; that has to be a file",
        ));
    }
    let (finished, found) = choose(inputs, filter);
    if finished.exit() == Exit::Usage {
        finished.complain();
        return Err(Exit::Usage);
    }
    let matching: Vec<u32> = found.tcp().collect();
    match matching.as_slice() {
        [one] => Ok(*one),
        [] => Err(Exit::usage("no connection matches the filter")),
        several => {
            let numbers: Vec<String> = several.iter().take(TOLD).map(u32::to_string).collect();
            let more = if several.len() > TOLD { ", …" } else { "" };
            Err(Exit::usage(&format!(
                "{} connections match the filter: {}{more}; give the number of one after the files",
                several.len(),
                numbers.join(", ")
            )))
        }
    }
}
