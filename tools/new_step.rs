//! `cargo new-step`: everything a new step needs, as stubs that compile and pass.

#[path = "new_step/plan.rs"]
mod plan;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo new-step: everything a new step needs, as stubs that compile and pass

  cargo new-step verify-domain             a step that looks and judges
  cargo new-step --writes move-domain      a step that changes something: observe, plan, apply, read back, with its record

Writes the step, its page, its tests with its table, and its lines in the lists; then formats, and runs `cargo generate`. Where
a name is taken, or a list is not found, it writes nothing. `TODO` stands where something is left to fill in, and
`cargo test --test it complete` says what is missing, by file.

Options:
  --writes      the step changes something
  -h, --help    say this
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, writes) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["--writes", name] | [name, "--writes"] => ((*name).to_owned(), true),
        [name] if !name.starts_with('-') => ((*name).to_owned(), false),
        _ => {
            eprintln!(
                "cargo new-step takes the name of the step, and `--writes` if it changes something; --help says more"
            );
            return ExitCode::from(2);
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = match plan::files(root, &name, writes) {
        Ok(files) => files,
        Err(problems) => {
            eprintln!("nothing is written:\n  {}", problems.join("\n  "));
            return ExitCode::from(2);
        }
    };
    for (file, text) in &files {
        let path = root.join(file);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        if let Err(error) = written {
            eprintln!("{file} cannot be written: {error}");
            return ExitCode::FAILURE;
        }
        println!("wrote {file}");
    }
    if !cargo(root, &["fmt", "--package", "deploy-action"]) || !cargo(root, &["generate"]) {
        return ExitCode::FAILURE;
    }
    println!(
        "\nNext: fill in what says TODO; `UPDATE_SNAPSHOTS=1 cargo test --test it proof::requests` keeps its requests;\n\
         `cargo test --test it complete` says what is missing."
    );
    ExitCode::SUCCESS
}

/// Runs a command of cargo in the project; says so when it fails.
fn cargo(root: &Path, arguments: &[&str]) -> bool {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let ended = Command::new(program).args(arguments).current_dir(root).status();
    let good = ended.as_ref().is_ok_and(std::process::ExitStatus::success);
    if !good {
        eprintln!("`cargo {}` failed: {ended:?}", arguments.join(" "));
    }
    good
}
