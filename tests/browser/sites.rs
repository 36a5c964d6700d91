//! ST32: a site is published and put back a hundred times while people read it. No page ever names a file that is not there, and tabs that
//! were opened before find theirs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testbed::aws::{Account, LocalAws, Settings, Site, SiteSpec};
use testbed::browser::Browser;
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const PAGES: [&str; 2] = ["index", "about"];
/// So many times the site is switched.
const SWITCHES: usize = 100;

/// The files of a release: two pages with an asset each, and a chunk that is asked for later.
fn release(number: usize) -> Vec<(String, String)> {
    let chunk = format!("/assets/chunk-abcd{number:04}.js");
    let code = |page: &str| {
        format!(
            "const page = document.body.dataset.release;
            if (page !== '{number}') console.error(`the page of ${{page}} got the code of {number}`);
            const look = () => fetch('{chunk}', {{cache: 'no-store'}}).then((answer) => {{
                const type = answer.headers.get('content-type') || '';
                if (!answer.ok || !type.includes('javascript')) console.error('the tab of {number} lost its chunk: ' + answer.status);
            }}, () => {{}});
            look(); setInterval(look, 1000);
            parent.postMessage('{page} {number}', '*');"
        )
    };
    let page = |page: &str| {
        let asset = format!("/assets/{page}-abcd{number:04}.js");
        format!(
            "<!doctype html><meta charset=\"utf-8\"><link rel=\"icon\" href=\"data:,\"><body data-release=\"{number}\">\
             <script src=\"{asset}\" onerror=\"console.error('missing {asset}')\"></script>"
        )
    };
    let mut files = vec![(chunk[1..].to_owned(), format!("export const release = '{number}';"))];
    for name in PAGES {
        files.push((format!("assets/{name}-abcd{number:04}.js"), code(name)));
        files.push((format!("{name}.html"), page(name)));
    }
    files
}

/// The page of a browser that stays open: one frame keeps the release that it met first, another opens page after page.
fn reader(site: &str) -> String {
    format!(
        "<!doctype html><link rel=\"icon\" href=\"data:,\"><iframe id=\"tab\" src=\"{site}/index.html\"></iframe><iframe id=\"next\"></iframe>
        <script>
        const next = document.getElementById('next');
        let number = 0, waiting;
        const open = () => {{
            number += 1;
            waiting = setTimeout(() => {{ console.error('a page does not answer'); open(); }}, 15000);
            next.src = '{site}/' + (number % 2 ? 'index' : 'about') + '.html?' + number;
        }};
        addEventListener('message', (told) => {{
            if (told.source !== next.contentWindow) return;
            clearTimeout(waiting);
            fetch('/seen?' + told.data.replace(' ', '='));
            setTimeout(open, 20);
        }});
        open();
        </script>"
    )
}

/// Those who read a site, until they are asked what they saw.
struct Readers {
    is_over: Arc<AtomicBool>,
    crawler: JoinHandle<(usize, BTreeSet<String>)>,
    browser: Browser,
    desk: WebServer,
}

/// What they saw.
struct Seen {
    /// Pages that were read by the crawler, each with all that it names.
    pages: usize,
    /// What was named, and was not there or was something else.
    missing: BTreeSet<String>,
    /// The pages that the browser opened, `about=7`.
    opened: Vec<String>,
    console: Vec<String>,
}

impl Readers {
    async fn begin(aws: &Account, site: &Site) -> Self {
        let page = reader(&format!("http://{}", site.domain));
        let desk = WebServer::start([Answer::text(page).header("content-type", "text/html")]);
        let browser = Browser::open(&desk.url("/"), aws.endpoint()).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let crawler = tokio::spawn(crawl(aws.clone(), site.clone(), Arc::clone(&is_over)));
        let readers = Self { is_over, crawler, browser, desk };
        // The tab is open before anything changes.
        for _ in 0..600 {
            if readers.opened().len() >= 2 {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        readers
    }

    fn opened(&self) -> Vec<String> {
        let asked = self.desk.requests();
        asked.iter().filter_map(|one| one.target.strip_prefix("/seen?").map(str::to_owned)).collect()
    }

    async fn end(mut self) -> Seen {
        // The tab looks once more.
        sleep(Duration::from_millis(1500)).await;
        self.is_over.store(true, Ordering::Relaxed);
        let opened = self.opened();
        let (pages, missing) = self.crawler.await.unwrap();
        Seen { pages, missing, opened, console: self.browser.console().unwrap() }
    }
}

/// Reads page after page, and at once all that it names.
async fn crawl(aws: Account, site: Site, is_over: Arc<AtomicBool>) -> (usize, BTreeSet<String>) {
    let (mut pages, mut missing) = (0, BTreeSet::new());
    while !is_over.load(Ordering::Relaxed) {
        for name in PAGES {
            let page = aws.view(&site, &format!("/{name}.html"), &[]).await.unwrap();
            let text = page.text();
            let number =
                text.split_once("data-release=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(it, _)| it);
            let Some(number) = number.filter(|_| page.status == 200) else {
                missing.insert(format!("/{name}.html: {}", page.status));
                continue;
            };
            for part in [name, "chunk"] {
                let path = format!("/assets/{part}-abcd{number:0>4}.js");
                let asset = aws.view(&site, &path, &[]).await.unwrap();
                if asset.status != 200 || !asset.text().contains(&format!("'{number}'")) {
                    missing.insert(format!("{path}: {}", asset.status));
                }
            }
            pages += 1;
        }
        sleep(Duration::from_millis(10)).await;
    }
    (pages, missing)
}

struct Shop {
    aws: Account,
    site: Site,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn new() -> Self {
        let aws = LocalAws::shared().account();
        let at_once = Settings { invalidation_delay: Some(0.0), ..Settings::default() };
        aws.settings(&at_once).await.unwrap();
        let site = aws.create_site(&SiteSpec::new(&format!("site-{}", aws.id)).origin_path("/live")).await.unwrap();
        Self { aws, site, folder: tempfile::tempdir().unwrap() }
    }

    fn step(&self, step: &str) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step(step)
            .envs(self.aws.environment())
            .workspace(self.folder.path())
            .input("record", "off")
            .input("bucket", &self.site.bucket)
            .input("prefix", "live")
            .input("distribution", &self.site.distribution)
            .input("url", self.aws.site_url(&self.site))
    }

    /// Publishes a release; with what it replaced.
    async fn publish(&self, number: usize) -> String {
        let dist = self.folder.path().join("dist");
        let _ = fs::remove_dir_all(&dist);
        write(&dist, &release(number));
        let report =
            self.step("publish-site").input("source", "dist").input("release", format!("r{number}")).run().await;
        report.assert_verdict("pass", 0).output("state").to_owned()
    }

    /// What many pipelines do: files as they come, and what the new release lacks is deleted.
    async fn sync(&self, number: usize) {
        let files = release(number);
        let (assets, pages): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| path.starts_with("assets/"));
        for (path, content) in pages {
            self.put(path, "text/html", content).await;
        }
        // As long as an upload takes that is larger than this one.
        sleep(Duration::from_millis(700)).await;
        for (path, content) in assets {
            self.put(path, "text/javascript", content).await;
        }
        for (path, _) in release(number - 1).iter().filter(|(path, _)| path.starts_with("assets/")) {
            self.aws
                .s3("DELETE", &format!("/{}/live/{path}", self.site.bucket), Vec::new())
                .await
                .unwrap()
                .ok()
                .unwrap();
        }
    }

    async fn put(&self, path: &str, content_type: &str, content: &str) {
        let credential = format!("{}/20260101/{}/s3/aws4_request", self.aws.id, self.aws.region());
        let signed = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        let request = reqwest::Client::new().put(format!("{}/{}/live/{path}", self.aws.endpoint(), self.site.bucket));
        let request = request.header("authorization", signed).header("content-type", content_type);
        let answer = request.header("cache-control", "no-cache").body(content.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
}

fn write(folder: &Path, files: &[(String, String)]) {
    for (path, content) in files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
}

#[tokio::test]
async fn st32_a_hundred_publications_and_rollbacks_break_no_page_that_is_read_meanwhile() {
    let shop = Shop::new().await;
    let mut state = shop.publish(1).await;
    let mut published = vec![1];
    let readers = Readers::begin(&shop.aws, &shop.site).await;
    let began = std::time::Instant::now();
    for number in 2..SWITCHES + 2 {
        if number % 3 == 0 {
            let back = shop.step("rollback").input("state", std::mem::take(&mut state));
            back.run().await.assert_verdict("pass", 0);
        } else {
            state = shop.publish(number).await;
            published.push(number);
        }
    }
    let took = began.elapsed();
    let seen = readers.end().await;
    println!("{SWITCHES} switches in {took:?}: {} pages crawled, {} opened", seen.pages, seen.opened.len());
    assert_eq!(seen.missing, BTreeSet::new());
    assert_eq!(seen.console, Vec::<String>::new());
    let opened: BTreeSet<&String> = seen.opened.iter().collect();
    assert!(seen.pages > SWITCHES && opened.len() > SWITCHES / 5, "{} read, opened: {opened:?}", seen.pages);
    for number in published {
        let path = format!("/assets/chunk-abcd{number:04}.js");
        assert_eq!(shop.aws.view(&shop.site, &path, &[]).await.unwrap().status, 200, "{path}");
    }
}

/// The same readers do see it where it happens.
#[tokio::test]
async fn files_as_they_come_and_deleted_at_once_break_pages_that_are_read_meanwhile() {
    let shop = Shop::new().await;
    shop.sync(1).await;
    let readers = Readers::begin(&shop.aws, &shop.site).await;
    for number in 2..6 {
        shop.sync(number).await;
    }
    let seen = readers.end().await;
    assert!(seen.missing.iter().any(|one| one.starts_with("/assets/")), "{:?}", seen.missing);
    assert!(seen.console.iter().any(|line| line.contains("missing /assets/")), "{:?}", seen.console);
    assert!(seen.console.iter().any(|line| line.contains("lost its chunk")), "{:?}", seen.console);
}
