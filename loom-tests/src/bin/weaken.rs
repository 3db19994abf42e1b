//! Builds every weakening of `MODELS.md`, and requires that its model fails.
//!
//! `cargo run --release --bin weaken [id..]` tries all of them, or those that are named. With
//! `--shuttle` before the ids it does the same with `shuttle/README.md`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::{env, fs};

struct Row {
    id: String,
    file: String,
    model: String,
}

/// Set while this program is cargo's `RUSTC_WRAPPER`: which weakening to build.
const WEAKEN: &str = "LOOPWORK_WEAKEN";
/// The crates that weakenings are in, or that depend on one.
const PACKAGES: [&str; 10] = [
    "loopwork-shim",
    "loopwork-context",
    "loopwork-core",
    "loopwork-io",
    "loopwork-sync",
    "loopwork-tasks",
    "loopwork-threadsafe",
    "loopwork-time",
    "loopwork-loom-tests",
    "loopwork-shuttle-tests",
];

fn main() -> ExitCode {
    if let Ok(id) = env::var(WEAKEN) {
        return wrap(&id);
    }
    let loom = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wanted: BTreeSet<_> = env::args().skip(1).collect();
    let is_shuttle = wanted.remove("--shuttle");
    let (root, table) = if is_shuttle {
        (loom.join("shuttle"), "README.md")
    } else {
        (loom.to_owned(), "MODELS.md")
    };
    let rows = rows(&fs::read_to_string(root.join(table)).expect("the table is readable"));
    let mut wrong = Vec::new();

    let listed: BTreeSet<_> = rows.iter().map(|row| row.id.clone()).collect();
    let mut used = BTreeSet::new();
    ids_in_sources(&loom.join("../crates"), &mut used);
    used.remove("docs-example");
    // Every place has a model of loom's; shuttle finds some of them.
    for id in listed.symmetric_difference(&used) {
        if !is_shuttle || listed.contains(id) {
            wrong.push(format!("{id}: not both in {table} and in the code"));
        }
    }

    for row in rows.iter().filter(|row| wanted.is_empty() || wanted.contains(&row.id)) {
        println!("{:<24} {}::{}", row.id, row.file, row.model);
        if let Err(why) = fails_when_weakened(&root, row) {
            wrong.push(format!("{}: {why}", row.id));
        }
    }
    for line in &wrong {
        println!("WRONG {line}");
    }
    println!("{} weakenings, {} wrong", listed.len(), wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The table's rows: `| `id` | edge | `file::model` | .. |`.
fn rows(text: &str) -> Vec<Row> {
    text.lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
            let (id, model) = (cells.nth(1)?, cells.nth(1)?);
            let (file, model) = model.split_once("::")?;
            Some(Row { id: id.into(), file: file.into(), model: model.into() })
        })
        .collect()
}

fn ids_in_sources(folder: &Path, ids: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources are readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            ids_in_sources(&path, ids);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("the sources are readable");
            for mark in ["weaken!(\"", "weaken!(\n", "loopwork_weaken = \""] {
                for (at, _) in text.match_indices(mark) {
                    let rest = &text[at..];
                    if let Some(id) = rest.split('"').nth(1).filter(|id| !id.contains(' ')) {
                        ids.insert(id.to_owned());
                    }
                }
            }
        }
    }
}

/// Runs the row's model with its weakening: it must build, and must fail.
fn fails_when_weakened(root: &Path, row: &Row) -> Result<(), String> {
    // Only our own crates are built anew: see `wrap`.
    let known = fs::read_to_string(root.join("Cargo.lock")).map_err(|error| error.to_string())?;
    let ours = PACKAGES.iter().filter(|name| known.contains(&format!("name = \"{name}\"")));
    let clean = ours.flat_map(|package| ["--package", package]);
    cargo(root, row, &["clean", "--release"], clean)?;
    let test = ["test", "--release", "--quiet", "--test", row.file.as_str()];
    let built = cargo(root, row, &test, ["--no-run"])?;
    if !built.status.success() {
        return Err(format!("does not build\n{}", String::from_utf8_lossy(&built.stderr)));
    }
    let ran = cargo(root, row, &test, ["--", "--exact", row.model.as_str()])?;
    let printed = String::from_utf8_lossy(&ran.stdout);
    if !printed.contains("running 1 test") {
        return Err(format!("there is no model {}::{}", row.file, row.model));
    }
    if ran.status.success() { Err("the model passes all the same".into()) } else { Ok(()) }
}

fn cargo<'a>(
    root: &Path,
    row: &Row,
    command: &[&str],
    more: impl IntoIterator<Item = &'a str>,
) -> Result<Output, String> {
    Command::new(env!("CARGO"))
        .current_dir(root)
        .env("CARGO_TARGET_DIR", root.join("target/weaken"))
        .env("RUST_BACKTRACE", "0")
        .env("RUSTC_WRAPPER", env::current_exe().map_err(|error| error.to_string())?)
        .env(WEAKEN, &row.id)
        .args(command)
        .args(more)
        .output()
        .map_err(|error| error.to_string())
}

/// As cargo's `RUSTC_WRAPPER`: adds the weakening when it compiles one of our own crates. Given in
/// `RUSTFLAGS` instead, it would have loom and all it needs compiled anew for each row.
fn wrap(id: &str) -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let mut rustc = Command::new(arguments.next().expect("cargo names the compiler"));
    rustc.args(arguments);
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| PACKAGES.contains(&name.as_str())) {
        rustc.arg(format!("--cfg=loopwork_weaken=\"{id}\""));
    }
    let status = rustc.status().expect("the compiler runs");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
