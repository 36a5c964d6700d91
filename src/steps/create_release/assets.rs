//! The files that are to be assets.

use std::collections::BTreeSet;
use std::path::Path;

use crate::action::inputs::{Lines, Problems, is_made_of, text_value};
use crate::context::Context;
use crate::github::{AssetFile, asset_name};
use crate::outcome::Outcome;
use crate::text::leads_inside;

/// The most of one file (<https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases>).
const LARGEST: u64 = 2 * 1024 * 1024 * 1024;
/// The most of one release (the same page).
const MOST: usize = 1000;

text_value!(
    /// A file in the workspace, whose name is fit for an asset.
    pub struct AssetPath, "a path in the workspace", "dist/app.zip",
    read |text| {
        let is_plain = is_made_of(text, 1000, |c| c.is_ascii_alphanumeric() || "._-+@/ ".contains(c));
        if !is_plain || !leads_inside(text) {
            Err("must be a path in the workspace, relative to it, of letters, digits, blanks and `._-+@/`".to_owned())
        } else if asset_name(Path::new(text)).is_none() {
            Err("must be a file whose name holds letters, digits and `._-` only: GitHub would rename others".to_owned())
        } else {
            Ok(text.to_owned())
        }
    }
);

impl AssetPath {
    fn name(&self) -> String {
        asset_name(Path::new(&self.0)).unwrap_or_default()
    }
}

/// What can be checked before any file is looked at.
pub(super) fn check(assets: &Lines<AssetPath>, problems: &mut Problems) {
    let names: BTreeSet<String> = assets.iter().map(AssetPath::name).collect();
    problems.add_if(
        names.len() < assets.iter().count(),
        "input `assets` must not hold two files of one name: a release keeps no folders",
    );
    problems.add_if(
        assets.iter().count() > MOST,
        format!("input `assets` must hold at most {MOST} files, as GitHub takes"),
    );
}

/// Looks at the files, and hashes them; or says which cannot be uploaded.
pub(super) async fn read(cx: &Context, assets: Option<&Lines<AssetPath>>) -> Result<Vec<AssetFile>, Outcome> {
    let mut files = Vec::new();
    for asset in assets.into_iter().flatten() {
        let looked = cx.runner.workspace().find(&asset.0).and_then(|place| Ok((place.metadata()?, place)));
        let refused = match &looked {
            Ok((found, _)) if !found.is_file() => Some("is no file".to_owned()),
            Ok((found, _)) if found.len() == 0 => Some("is empty, which GitHub does not take".to_owned()),
            Ok((found, _)) if found.len() >= LARGEST => Some("is larger than GitHub takes, 2 GiB".to_owned()),
            Ok(_) => None,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Some("does not exist in the workspace".to_owned())
            }
            Err(error) => Some(format!("cannot be read: {error}")),
        };
        if let Some(why) = refused {
            return Err(Outcome::fail(format!("asset {asset} {why}")).advise(
                "nothing was written; make the file before this step (actions/download-artifact), or correct `assets`",
            ));
        }
        let read = async { AssetFile::read(asset.name(), looked?.1).await };
        files.push(read.await.map_err(|error| Outcome::error(format!("asset {asset} cannot be read: {error}")))?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["dist/app.zip", "./a.b", "../a", "dist/.env"])) {
            reads_plainly::<AssetPath>(&text);
        }
    }
}
