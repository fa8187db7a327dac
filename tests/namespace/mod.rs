//! Tests in a user and network namespace of their own, where they are root and nobody else's
//! traffic passes. Where that can't be had a test says so and is passed over, except where `CI` is
//! set: there it fails.

use std::process::Command;

/// Set where a test runs inside.
const INSIDE: &str = "TCPLENS_TEST_INSIDE";

/// Runs the body of the test of this name in a namespace.
pub(crate) fn in_namespace(name: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        body();
        return;
    }
    let mut probe = Command::new("unshare");
    probe.args(["-rn", "--", "ip", "link", "set", "lo", "up"]);
    let can = probe
        .output()
        .map_err(|error| error.to_string())
        .and_then(|output| match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        });
    if let Err(why) = can {
        assert!(
            std::env::var_os("CI").is_none(),
            "no namespace can be had here: {why}"
        );
        eprintln!("{name} did not run: no namespace can be had here: {why}");
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let output = Command::new("unshare")
        .args(["-rn", "--"])
        .arg(this)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "it ran inside: {text}\n{errors}");
}

pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.expect("ip (iproute2)");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {errors}");
}
