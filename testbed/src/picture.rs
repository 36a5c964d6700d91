//! Pictures of what people see on GitHub: Markdown as GitHub shows it, in headless Chromium (Debian's `chromium`).

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use pulldown_cmark::{Options, Parser, html};
use tokio::process::Command;
use tokio::time::timeout;

/// The width of a page, in CSS pixels: that of a job summary on a laptop.
const WIDTH: u32 = 960;
/// How many pixels of the picture make a CSS pixel's side.
const SCALE: f64 = 1.25;
/// The most bytes of a picture that is committed.
pub const LARGEST: u64 = 240 * 1024;
/// Chromium starts in a second or two.
const PATIENCE: Duration = Duration::from_mins(1);

/// Colours, sizes and spaces in the look of GitHub, by our own hand.
const STYLE: &str = include_str!("picture/page.css");
/// Tells how large the page is, in its title.
const MEASURE: &str = "const r = document.documentElement; document.title = r.scrollWidth + 'x' + r.scrollHeight;";

/// A page of GitHub that shows Markdown.
#[must_use]
pub fn page(markdown: &str) -> String {
    let mut body = String::new();
    html::push_html(&mut body, Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH));
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title></title><style>{STYLE}</style><main>{body}</main><script>{MEASURE}</script>\n"
    )
}

/// Draws a page into a PNG.
///
/// # Errors
/// There is no Chromium; the page is wider than it may be; the picture is larger than [`LARGEST`].
pub async fn draw(page: &str, picture: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("page.html");
    fs::write(&file, page)?;
    let measured = chromium(folder.path(), &["--dump-dom", &format!("--window-size={WIDTH},600")], &file).await?;
    let size = measured.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(size, _)| size);
    let (width, height) = size.and_then(|size| size.split_once('x')).context("Chromium did not measure the page")?;
    ensure!(width == WIDTH.to_string(), "the page is {width} pixels wide, and may be {WIDTH}");
    let drawn = folder.path().join("page.png");
    let options = [
        format!("--screenshot={}", drawn.display()),
        format!("--window-size={WIDTH},{height}"),
        format!("--force-device-scale-factor={SCALE}"),
    ];
    chromium(folder.path(), &options.each_ref().map(String::as_str), &file).await?;
    let length = fs::metadata(&drawn).context("Chromium drew nothing")?.len();
    ensure!(length <= LARGEST, "the picture has {length} bytes, and may have {LARGEST}");
    fs::copy(&drawn, picture).with_context(|| format!("write {}", picture.display()))?;
    Ok(())
}

/// Draws the beginning of a page of its own into a PNG, this many CSS pixels wide and high, on a light or a dark screen. Fonts, sizes and
/// all else are the page's.
///
/// # Errors
/// There is no Chromium; the picture is larger than [`LARGEST`].
pub async fn draw_screen(page: &str, (width, height): (u32, u32), is_dark: bool, picture: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("page.html");
    fs::write(&file, page)?;
    let drawn = folder.path().join("page.png");
    let options = [
        format!("--screenshot={}", drawn.display()),
        format!("--window-size={width},{height}"),
        format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark)),
    ];
    chromium(folder.path(), &options.each_ref().map(String::as_str), &file).await?;
    let length = fs::metadata(&drawn).context("Chromium drew nothing")?.len();
    ensure!(length <= LARGEST, "the picture has {length} bytes, and may have {LARGEST}");
    fs::copy(&drawn, picture).with_context(|| format!("write {}", picture.display()))?;
    Ok(())
}

/// What a page holds once its own script has run.
///
/// # Errors
/// There is no Chromium.
pub async fn content(page: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("page.html");
    fs::write(&file, page)?;
    chromium(folder.path(), &["--dump-dom", "--window-size=390,800"], &file).await
}

/// Width and height of a PNG, in pixels.
///
/// # Errors
/// It is none.
pub fn size(png: &[u8]) -> Result<(u32, u32)> {
    ensure!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "not a PNG");
    let number = |at: usize| Some(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?));
    number(16).zip(number(20)).context("the header of a PNG")
}

/// What Chromium prints. It gets a profile of its own, and calls nobody.
async fn chromium(folder: &Path, options: &[&str], page: &Path) -> Result<String> {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]);
    command.args(["--no-first-run", "--disable-background-networking", "--disable-component-update"]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display())).args(options);
    command.arg(format!("file://{}", page.display()));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let child = child.context("start chromium: install Debian's package `chromium`, and `fonts-noto-color-emoji`")?;
    let ended = timeout(PATIENCE, child.wait_with_output()).await.context("chromium does not end")??;
    if !ended.status.success() {
        bail!("chromium ended with {}:\n{}", ended.status, String::from_utf8_lossy(&ended.stderr));
    }
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}
