//! What people see on GitHub, in a real browser. Needs Debian's `chromium`, and fails without it: `cargo test --test browser`.

use std::fs;
use std::path::Path;

use testbed::picture::{LARGEST, draw, page, size};

/// The Markdown of all pictures, with the picture beside it.
fn pictures() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect()
}

#[tokio::test]
async fn every_picture_is_drawn_from_the_markdown_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let all = pictures();
    assert!(!all.is_empty());
    for markdown in all {
        let drawn = folder.path().join("drawn.png");
        draw(&page(&fs::read_to_string(&markdown).unwrap()), &drawn).await.unwrap();
        let committed = fs::read(markdown.with_extension("png")).unwrap();
        assert!(committed.len() as u64 <= LARGEST, "{}: {} bytes", markdown.display(), committed.len());
        let [drawn, committed] = [fs::read(drawn).unwrap(), committed].map(|png| size(&png).unwrap());
        assert_eq!(drawn.0, committed.0, "{}: `cargo picture` draws it anew", markdown.display());
        // Fonts differ a little from machine to machine.
        assert!(drawn.1.abs_diff(committed.1) <= committed.1 / 10, "{}: {drawn:?}", markdown.display());
    }
}

#[tokio::test]
async fn a_page_that_is_too_wide_is_not_drawn() {
    let wide = "<div style=\"width: 2000px\">x</div>\n";
    let folder = tempfile::tempdir().unwrap();
    let refused = draw(&page(wide), &folder.path().join("wide.png")).await.unwrap_err();
    assert!(refused.to_string().contains("pixels wide"), "{refused:#}");
}
