//! CSV (RFC 4180): a header, then one line for each TCP connection. The columns are the fields of
//! the JSON report, with dots for its objects.

use std::io::{self, Write};

use super::escape::escaped;
use super::field::{self, Row, Side, Value};
use super::{Report, select};
use crate::analysis::ConnectionView;
use crate::tcp::Role;

/// Writes the connections of a report; with `only`, that one.
///
/// # Errors
/// When writing fails.
pub fn write(
    report: &Report<'_>,
    only: Option<&ConnectionView<'_>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    header(out)?;
    let line = |view: &ConnectionView<'_>, out: &mut dyn Write| {
        let row = Row {
            view,
            end: report.end(),
            names: report.names(),
        };
        connection(&row, out)
    };
    if let Some(view) = only {
        return line(view, out);
    }
    for slot in select::connections(report.analyzer, report.selection, report.end()).0 {
        let written = report.analyzer.connection(slot, |view| line(view, out));
        written.transpose()?;
    }
    Ok(())
}

fn header(out: &mut dyn Write) -> io::Result<()> {
    let mut comma = "";
    for field in field::CONNECTION {
        write!(out, "{comma}{}", field.name)?;
        comma = ",";
    }
    for role in Role::BOTH {
        for field in field::ENDPOINT {
            write!(out, ",{role}.{}", field.name)?;
        }
    }
    out.write_all(b"\r\n")
}

fn connection(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut comma = "";
    for field in field::CONNECTION {
        out.write_all(comma.as_bytes())?;
        value(&(field.of)(row), out)?;
        comma = ",";
    }
    for role in Role::BOTH {
        let side = Side { row, role };
        for field in field::ENDPOINT {
            out.write_all(b",")?;
            value(&(field.of)(&side), out)?;
        }
    }
    out.write_all(b"\r\n")
}

fn value(value: &Value<'_>, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Number(value) => write!(out, "{value}"),
        Value::Seconds(span) => write!(out, "{span}"),
        Value::Word(word) => write!(out, "{word}"),
        Value::Words(words) => write!(out, "{}", words.join(" ")),
        Value::Address(address) => write!(out, "{address}"),
        Value::Text(text) => quoted(&escaped(text).to_string(), out),
    }
}

fn quoted(text: &str, out: &mut dyn Write) -> io::Result<()> {
    // A spreadsheet takes what begins like this for a formula: quoting alone doesn't stop it.
    let formula = text.starts_with(['=', '+', '-', '@']);
    if formula || text.contains([',', '"', '\'']) || text != text.trim() {
        let apostrophe = if formula { "'" } else { "" };
        return write!(out, "\"{apostrophe}{}\"", text.replace('"', "\"\""));
    }
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        for (text, shown) in [
            ("web-1", "web-1"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd()", "\"'=cmd()\""),
            ("", ""),
        ] {
            let mut out = Vec::new();
            quoted(text, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), shown);
        }
    }
}
