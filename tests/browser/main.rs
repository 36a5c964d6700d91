//! What people see, in a real browser: on GitHub, and of a site that is published meanwhile. Needs Debian's `chromium`, and fails without it:
//! `cargo test --test browser`.

mod pages;
mod sites;
