//! Writes the generated parts of `action.yml`, `README.md` and `docs/`, and `NOTICE`: `cargo generate`.
//! With `--check` it only says which files differ.

mod notice;

use std::path::Path;
use std::process::ExitCode;

use deploy_action::reference;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let mut good = true;
    for file in reference::files() {
        good &= renew(&file, check, |now| reference::rendered(&file, now));
    }
    good &= renew("NOTICE", check, |_| notice::render());
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes what a file must hold, given what it holds now; says whether it is as it must be.
fn renew(file: &str, check: bool, render: impl FnOnce(&str) -> Result<String, String>) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let now = std::fs::read_to_string(&path).unwrap_or_default();
    match render(&now) {
        Ok(text) if text == now => return true,
        Ok(_) if check => println!("{file} differs from the code: run `cargo generate`"),
        Ok(text) => match std::fs::write(&path, text) {
            Ok(()) => {
                println!("wrote {file}");
                return true;
            }
            Err(error) => println!("{file} cannot be written: {error}"),
        },
        Err(problem) => println!("{problem}"),
    }
    false
}
