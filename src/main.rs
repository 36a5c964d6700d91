//! The program in the container. Everything it does is in the library; here are those of the process: its variables, its exit
//! code.

use std::process::ExitCode;

use deploy_action::invocation;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Arguments are ignored: a workflow can set them against action.yml's wishes.
    ExitCode::from(invocation::run(std::env::vars_os().collect()).await)
}
