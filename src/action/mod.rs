//! The runner's contract, in one place: inputs, event and context, outputs, annotations, masking, job summary, evidence. Facts: actions/runner 2.336 and
//! <https://docs.github.com/en/actions/reference/workflows-and-actions>.

pub mod commands;
pub mod event;
pub mod evidence;
pub mod inputs;
pub mod log;
pub mod outputs;
pub mod report;
pub mod runner;
pub mod screen;
pub mod summary;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod workspace;

pub use outputs::Output;
pub use report::{Check, Report};
pub use runner::Runner;
pub use terminal::Terminal;
pub use workspace::Workspace;
