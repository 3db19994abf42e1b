//! The examples print what they are to print.
//!
//! They are run as programs: `cargo test` builds them before this. To run this test alone, build
//! them first, with `cargo build -p loopwork --examples`.
//!
//! Nothing here asks that anything be fast: a time is compared with what it may be at least.

mod ctrl_c;
mod example;
mod small;
mod tour;
