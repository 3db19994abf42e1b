//! Makes each weakening of `MODELS.md`, and requires that its model fails.
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

/// Which weakening to make, where they are built in.
const WEAKEN: &str = "LOOPWORK_WEAKEN";
/// Set while this program is cargo's `RUSTC_WRAPPER`.
const WRAPS: &str = "LOOPWORK_WEAKEN_WRAPS";
fn main() -> ExitCode {
    if env::var_os(WRAPS).is_some() {
        return wrap();
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

    let is_wanted = |row: &&Row| wanted.is_empty() || wanted.contains(&row.id);
    let rows: Vec<_> = rows.iter().filter(is_wanted).collect();
    if let Err(why) = build(&root, &rows) {
        println!("{why}");
        return ExitCode::FAILURE;
    }
    for row in rows {
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
            for mark in ["weaken!(\"", "weaken!(\n"] {
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

/// Builds the models of these rows once, with all weakenings in them.
fn build(root: &Path, rows: &[&Row]) -> Result<(), String> {
    let files: BTreeSet<_> = rows.iter().map(|row| row.file.as_str()).collect();
    let files = files.into_iter().flat_map(|file| ["--test", file]);
    let built = cargo(root, None, &["test", "--release", "--quiet", "--no-run"], files)?;
    if built.status.success() {
        return Ok(());
    }
    Err(format!("the weakenings do not build\n{}", String::from_utf8_lossy(&built.stderr)))
}

/// Runs the row's model with its weakening: it must fail.
fn fails_when_weakened(root: &Path, row: &Row) -> Result<(), String> {
    let test = ["test", "--release", "--quiet", "--test", row.file.as_str()];
    let ran = cargo(root, Some(row), &test, ["--", "--exact", row.model.as_str()])?;
    let printed = String::from_utf8_lossy(&ran.stdout);
    if !printed.contains("running 1 test") {
        return Err(format!("there is no model {}::{}", row.file, row.model));
    }
    if ran.status.success() { Err("the model passes all the same".into()) } else { Ok(()) }
}

fn cargo<'a>(
    root: &Path,
    row: Option<&Row>,
    command: &[&str],
    more: impl IntoIterator<Item = &'a str>,
) -> Result<Output, String> {
    Command::new(env!("CARGO"))
        .current_dir(root)
        .env("CARGO_TARGET_DIR", root.join("target/weaken"))
        .env("RUST_BACKTRACE", "0")
        .env("RUSTC_WRAPPER", env::current_exe().map_err(|error| error.to_string())?)
        .env(WRAPS, "1")
        .env(WEAKEN, row.map_or("", |row| &row.id))
        .args(command)
        .args(more)
        .output()
        .map_err(|error| error.to_string())
}

/// As cargo's `RUSTC_WRAPPER`: builds the weakenings into our own crates. Asked for in `RUSTFLAGS` instead, that
/// would take the place of what the folder's own settings ask for.
fn wrap() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let mut rustc = Command::new(arguments.next().expect("cargo names the compiler"));
    rustc.args(arguments);
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| name.starts_with("loopwork")) {
        rustc.arg("--cfg=loopwork_weaken");
    }
    let status = rustc.status().expect("the compiler runs");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
