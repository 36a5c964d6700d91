//! Writes the generated parts of `action.yml`, `README.md`, `docs/permissions.md` and `docs/steps/`: `cargo generate`. With `--check` it only says
//! which files differ.

use std::path::Path;
use std::process::ExitCode;

use deploy_action::reference;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let mut good = true;
    for file in reference::files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let now = std::fs::read_to_string(&path).unwrap_or_default();
        match reference::rendered(&file, &now) {
            Ok(text) if text == now => {}
            Ok(_) if check => {
                good = false;
                println!("{file} differs from the code: run `cargo generate`");
            }
            Ok(text) => match std::fs::write(&path, text) {
                Ok(()) => println!("wrote {file}"),
                Err(error) => {
                    good = false;
                    println!("{file} cannot be written: {error}");
                }
            },
            Err(problem) => {
                good = false;
                println!("{problem}");
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
