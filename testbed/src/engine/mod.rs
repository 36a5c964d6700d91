//! A container engine on a bare machine, what runs on it, and `act`, which runs workflows on it.
//!
//! No image can be pulled: the action's own is made by `tools/image`, the runner's from Debian packages.
//!
//! ```no_run
//! # fn test() -> anyhow::Result<()> {
//! use testbed::engine::Engine;
//!
//! let engine = Engine::shared();
//! let image = engine.action_image()?;
//! let output = engine.docker().args(["run", "--rm", "--network", "host", &image.name]).output()?;
//! assert_eq!(output.status.code(), Some(2), "there is no input");
//! # Ok(())
//! # }
//! ```

mod act;
mod command;
mod image;
mod log;
mod process;
mod runner_image;
mod table;
mod tool;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};

pub use act::{Act, copy_folder};
pub use image::ActionImage;
pub use log::{Job, Run, Step};
pub use runner_image::python_image;
pub use tool::{go_tool, npm_tool};

use command::{answers, directory, docker, output};
use process::Daemon;

static SHARED: OnceLock<Engine> = OnceLock::new();

/// A container engine: the machine's own if one answers, else one that ends with the process that started it.
///
/// Images it was given stay for the next run, in `target/testbed/engine`.
#[derive(Debug)]
pub struct Engine {
    host: String,
    action_image: OnceLock<Result<ActionImage, String>>,
    /// What keeps our own alive.
    _daemon: Option<Daemon>,
}

impl Engine {
    /// The engine that all tests of this process share, started by the first of them.
    ///
    /// # Panics
    ///
    /// There is none, and none can be started: that takes root and `dockerd`.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| match Self::find() {
            Ok(engine) => engine,
            Err(problem) => panic!("{problem:#}"),
        })
    }

    /// The machine's own engine, or one of this process.
    ///
    /// # Errors
    ///
    /// There is none, and none can be started.
    pub fn find() -> Result<Self> {
        let present = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let (host, daemon) = if answers(&present) {
            (present, None)
        } else {
            let daemon = Daemon::start(&directory()?)?;
            (daemon.host(), Some(daemon))
        };
        Ok(Self { host, action_image: OnceLock::new(), _daemon: daemon })
    }

    /// Where it listens, as `DOCKER_HOST` names it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The engine's client, without arguments yet.
    #[must_use]
    pub fn docker(&self) -> Command {
        docker(&self.host)
    }

    /// Runs the client to its end and answers what it printed.
    ///
    /// # Errors
    ///
    /// It fails; what it said is in the message.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        output(self.docker().args(arguments))
    }

    /// The action's image for tests, built by `tools/image` and loaded, once in a process.
    ///
    /// # Errors
    ///
    /// It cannot be built.
    pub fn action_image(&self) -> Result<&ActionImage> {
        let build = || image::build_and_load(&self.host, "image-test").map_err(|problem| format!("{problem:#}"));
        self.action_image.get_or_init(build).as_ref().map_err(|problem| anyhow!("{problem}"))
    }

    /// The action's image as it is released.
    ///
    /// # Errors
    ///
    /// It cannot be built.
    pub fn released_image(&self) -> Result<ActionImage> {
        image::build_and_load(&self.host, "release")
    }

    /// An image of one program and nothing else, made anew; answers its name.
    ///
    /// # Errors
    ///
    /// The program cannot be read, or the engine does not take it.
    pub fn image_of(&self, program: &Path) -> Result<String> {
        let name = program.file_name().and_then(|name| name.to_str()).context("the name of the program")?;
        let image = format!("local/{name}:1");
        let folder = tempfile::Builder::new().prefix("image-").tempdir()?;
        let inside = folder.path().join("usr/local/bin");
        std::fs::create_dir_all(&inside)?;
        std::fs::copy(program, inside.join(name)).with_context(|| format!("copy {}", program.display()))?;
        let archive = folder.path().join("image.tar");
        output(Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(&archive).arg("usr"))?;
        self.run(&["import", &archive.to_string_lossy(), &image])?;
        Ok(image)
    }

    fn has_image(&self, name: &str) -> bool {
        self.run(&["image", "inspect", "--format", "{{.Id}}", name]).is_ok()
    }
}
