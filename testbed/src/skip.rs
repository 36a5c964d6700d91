//! What a test does that cannot run on this machine.

/// Says that a test cannot run on this machine, past the harness, which shows nothing of a test that passes.
///
/// # Panics
///
/// `CI` is `true`: nothing is left out there.
pub fn skip(reason: &str) {
    use std::io::Write as _;

    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "with CI=true no test is left out: {reason}");
    let thread = std::thread::current();
    // Whether anybody can read it does not matter to the test.
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {reason}", thread.name().unwrap_or("a test"));
}
