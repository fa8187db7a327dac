//! The congestion window of both endpoints, as inferred, in a close-up.

use std::io;

use super::{Json, Value};
use crate::analysis::ConnectionView;
use crate::tcp::Role;
use crate::tcp::congestion::{Algorithm, Inferred, SlowStartExit};

pub(super) fn write(view: &ConnectionView<'_>, json: &mut Json<'_>) -> io::Result<()> {
    json.key("congestion")?;
    json.begin('{')?;
    for role in Role::BOTH {
        json.key(role.name())?;
        match view.connection.endpoint(role).congestion() {
            Some(inferred) => one(&inferred, json)?,
            None => json.value(&Value::Null)?,
        }
    }
    json.end('}')
}

fn one(inferred: &Inferred, json: &mut Json<'_>) -> io::Result<()> {
    json.begin('{')?;
    json.put("algorithm", &inferred.algorithm.name().into())?;
    let confidence = match inferred.algorithm {
        Algorithm::Unknown => "unknown",
        _ => "likely",
    };
    json.put("confidence", &confidence.into())?;
    json.put("limit", &inferred.limit.name().into())?;
    json.put("segment", &inferred.segment.into())?;
    let initial = inferred.initial_window;
    number(
        json,
        "initial_window",
        initial.map(|(segments, _)| segments),
    )?;
    let at_least = initial.map(|(_, more)| !more);
    json.put(
        "initial_window_at_least",
        &at_least.map_or(Value::Null, Value::Bool),
    )?;
    json.key("slow_start")?;
    match inferred.slow_start {
        None => json.value(&Value::Null)?,
        Some(slow) => {
            json.begin('{')?;
            json.put("trips", &slow.trips.into())?;
            number(json, "flight", Some(slow.flight))?;
            json.put("exit_time", &slow.exit.map(|(time, _)| time).into())?;
            let how = slow.exit.map(|(_, how)| match how {
                SlowStartExit::Reduced => "reduced",
                SlowStartExit::Slowed => "slowed",
            });
            json.put("exit", &how.into())?;
            json.end('}')?;
        }
    }
    number(json, "growth", inferred.growth)?;
    number(json, "factor", inferred.factor)?;
    json.put("factors", &inferred.factors.into())?;
    json.put("reductions_seen", &inferred.reductions_seen.into())?;
    json.key("reductions")?;
    json.begin('[')?;
    for each in &inferred.reductions {
        json.begin('{')?;
        json.put("time", &each.time.into())?;
        json.put("cause", &each.cause.name().into())?;
        number(json, "before", each.before)?;
        number(json, "after", each.after)?;
        json.put("undone", &each.undone.into())?;
        json.end('}')?;
    }
    json.end(']')?;
    json.key("rounds")?;
    json.begin('[')?;
    for each in &inferred.rounds {
        json.begin('{')?;
        json.put("time", &each.began.into())?;
        json.put("seconds", &each.lasted.into())?;
        json.put("trips", &each.trips.into())?;
        json.put("flight", &each.flight.into())?;
        json.put("limit", &each.limit.name().into())?;
        json.end('}')?;
    }
    json.end(']')?;
    json.end('}')
}

/// A number with two decimals.
fn number(json: &mut Json<'_>, key: &str, value: Option<f32>) -> io::Result<()> {
    json.key(key)?;
    match value {
        None => json.value(&Value::Null),
        Some(value) => {
            json.comma = true;
            write!(json.out, "{value:.2}")
        }
    }
}
