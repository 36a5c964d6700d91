//! The program, in the container or at a terminal. Everything it does is in the library; here are those of the process: its
//! variables, its arguments, its exit code.

use std::process::ExitCode;

use deploy_action::{invocation, terminal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let variables: Vec<_> = std::env::vars_os().collect();
    // In a container arguments are ignored: a workflow can set them against action.yml's wishes.
    let code = if terminal::is_meant(&variables) {
        terminal::run(std::env::args_os(), variables).await
    } else {
        invocation::run(variables, None).await
    };
    ExitCode::from(code)
}
