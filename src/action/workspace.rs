//! The workspace: the only place of the runner's disk where a step reads and writes what the workflow names.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of the workflow's files. What lies in it was put there by earlier steps, symbolic links included, while this action
/// runs as root: a link out of the workspace is not followed.
#[derive(Clone, Debug)]
pub struct Workspace(PathBuf);

impl Workspace {
    /// The workspace at this path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where a path in the workspace leads, all links followed.
    ///
    /// # Errors
    /// When there is nothing, or it leads out of the workspace.
    pub fn find(&self, path: &str) -> io::Result<PathBuf> {
        let found = self.0.join(path).canonicalize()?;
        if found.starts_with(self.0.canonicalize()?) {
            Ok(found)
        } else {
            Err(io::Error::other("it leads out of the workspace"))
        }
    }

    /// Where a file of the workspace is, and its size in bytes; `None` when there is no file of this path.
    ///
    /// # Errors
    /// When it leads out of the workspace, or cannot be looked at.
    pub fn file(&self, path: &str) -> io::Result<Option<(PathBuf, u64)>> {
        match self.find(path).and_then(|place| Ok((place.metadata()?, place))) {
            Ok((found, place)) if found.is_file() => Ok(Some((place, found.len()))),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_leads_out_of_the_workspace_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("workspace");
        fs::create_dir_all(root.join("dist")).unwrap();
        fs::write(root.join("dist/app.zip"), "zip").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        symlink(folder.path().join("secret"), root.join("file")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("dist", root.join("inside")).unwrap();
        let workspace = Workspace::at(&root);
        assert_eq!(fs::read_to_string(workspace.find("inside/app.zip").unwrap()).unwrap(), "zip");
        for wrong in ["file", "up/secret", "../secret", "/etc/hostname"] {
            assert_eq!(workspace.find(wrong).unwrap_err().kind(), io::ErrorKind::Other, "{wrong}");
        }
        assert_eq!(workspace.find("none").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
