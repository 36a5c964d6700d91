//! Content types by the end of a name. S3 itself says `binary/octet-stream` of everything.

/// The content type; nothing for an ending that is not known.
/// <https://www.iana.org/assignments/media-types/media-types.xhtml>
#[must_use]
pub fn media_type(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match ending.as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "application/xml",
        "rss" => "application/rss+xml",
        "atom" => "application/atom+xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "bmp" => "image/bmp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "eot" => "application/vnd.ms-fontobject",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "ics" => "text/calendar; charset=utf-8",
        "yaml" | "yml" => "application/yaml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_others_miss_are_known() {
        for (path, expected) in [
            ("a/app.wasm", Some("application/wasm")),
            ("app.MJS", Some("text/javascript; charset=utf-8")),
            ("site.webmanifest", Some("application/manifest+json")),
            ("hero.avif", Some("image/avif")),
            ("data.xyz", None),
            ("LICENSE", None),
            ("v1.2/LICENSE", None),
        ] {
            assert_eq!(media_type(path), expected, "{path}");
        }
    }
}
