//! What people see on GitHub.

use std::fs;
use std::path::Path;

use deploy_action::steps::inventory;
use serde_json::{Value, json};
use testbed::picture::{LARGEST, content, draw, draw_screen, page, size};

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

/// The sample that the documentation shows.
fn sample() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/inventory.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[tokio::test]
async fn the_picture_of_the_page_is_drawn_from_the_sample_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let committed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/inventory.png")).unwrap();
    let dimensions = size(&committed).unwrap();
    for is_dark in [false, true] {
        let drawn = folder.path().join("drawn.png");
        draw_screen(&inventory::page::page(&sample()), dimensions, is_dark, &drawn).await.unwrap();
        assert_eq!(size(&fs::read(drawn).unwrap()).unwrap(), dimensions);
    }
}

/// Its script runs under its own policy, shows text as text, and 500 deployments at once.
#[tokio::test]
async fn the_page_shows_what_it_holds_and_runs_nothing_else() {
    let mut document = sample();
    let hostile = "</script><img src=x onerror=document.title='owned'>";
    document["targets"][0]["component"] = json!(hostile);
    document["targets"][0]["serves"][0]["commit"] = json!("javascript:alert(1)");
    let one = document["deployments"][0].clone();
    document["deployments"] = json!(vec![one; 500]);
    let began = std::time::Instant::now();
    let shown = content(&inventory::page::page(&document)).await.unwrap();
    println!("Chromium took {:?} for a page of 500 deployments, its own start included", began.elapsed());
    assert!(shown.contains("need attention"), "the script did not run");
    let (table, rest) = shown.split_once("id=\"table-targets\"").unwrap();
    assert!(!table.contains("<title>owned") && !rest.contains("<img") && !rest.contains("href=\"javascript"));
    let deployments = rest.split_once("id=\"table-deployments\"").unwrap().1.split_once("</table>").unwrap().0;
    assert_eq!(deployments.matches("role=\"row\"").count(), 501);
    for part in ["aria-sort=\"none\"", "scope=\"col\"", "role=\"columnheader\"", "data-label=\"Commit\""] {
        assert!(rest.contains(part), "{part}");
    }
}
