//! The project's own rules, as a test: what depends on what, who names what, and that tags and
//! tables say what the code says. It reads the sources, so it is not part of the package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A crate may depend only on crates of lower floors.
const FLOORS: [(&str, u32); 13] = [
    ("loopwork", 5),
    ("process", 4),
    ("io", 3),
    ("threadsafe", 2),
    ("tasks", 2),
    ("executors", 2),
    ("core", 1),
    ("time", 1),
    ("sync", 1),
    ("iter", 1),
    ("context", 0),
    ("shim", 0),
    ("macros", 0),
];
const LINES_MAX: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let crates = FLOORS
        .iter()
        .flat_map(|(name, _)| files(&root().join("crates").join(name).join("src"), "rs"));
    crates.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn crates_depend_on_lower_floors_only() {
    let floors: BTreeMap<_, _> = FLOORS.into_iter().collect();
    for (name, floor) in FLOORS {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
        for line in dependencies.lines().filter(|line| line.starts_with("loopwork-")) {
            let end = line.find(['.', ' ', '=']).unwrap();
            let other = &line["loopwork-".len()..end];
            // The context and the shim are both at the bottom; the context stands on the shim.
            let bottom = (name, other) == ("context", "shim");
            assert!(floors[other] < floor || bottom, "{name} must not depend on {other}");
        }
    }
    let folders = fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(folders, FLOORS.len(), "a crate without a floor");
}

#[test]
fn only_the_shim_names_loom_and_atomics() {
    for (path, text) in sources() {
        if path.components().any(|part| part.as_os_str() == "shim") {
            continue;
        }
        for banned in ["loom::", "std::sync::atomic", "parking_lot::", "std::thread_local!"] {
            // `loopwork_loom` is the cfg, not the crate.
            assert!(!text.contains(banned), "{}: `{banned}` belongs into the shim", path.display());
        }
    }
}

#[test]
fn the_facade_and_the_upper_floors_are_safe_code() {
    let forbids = |name: &str| !["core", "io", "process", "shim", "sync", "time"].contains(&name);
    for (name, _) in FLOORS.into_iter().filter(|(name, _)| forbids(name)) {
        let lib = root().join("crates").join(name).join("src/lib.rs");
        let text = fs::read_to_string(lib).unwrap();
        assert!(text.contains("forbid(unsafe_code)"), "{name} does not forbid unsafe code");
    }
}

/// What the system is asked and told about a signal.
#[test]
fn unsafe_code_of_process_is_in_one_place() {
    let src = root().join("crates/process/src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    assert!(lib.contains("deny(unsafe_code)"));
    for path in files(&src, "rs") {
        let text = fs::read_to_string(&path).unwrap();
        let allows = text.matches("allow(unsafe_code").count();
        assert_eq!(allows, usize::from(path.ends_with("lib.rs")), "{}", path.display());
        let may = path.ends_with("interrupt.rs");
        assert!(may || !text.contains("unsafe {"), "{}: unsafe code", path.display());
    }
}

/// Who waits, the values behind locks, and those in channels. What stands on them is safe.
#[test]
fn unsafe_code_of_sync_is_in_three_places() {
    let src = root().join("crates/sync/src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    assert!(lib.contains("deny(unsafe_code)"));
    for path in files(&src, "rs") {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(&src).unwrap();
        let module = file.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let may = ["waiters", "guarded", "storage"].contains(&module);
        let allows = text.matches("allow(unsafe_code").count();
        assert_eq!(allows, if module == "lib" { 3 } else { 0 }, "{}", file.display());
        assert!(may || !text.contains("unsafe {"), "{}: unsafe code", file.display());
    }
}

/// Both ends of a pair of orderings carry its tag, and a README explains it.
#[test]
fn edges_are_tagged_and_explained() {
    let (mut used, mut explained) = (BTreeSet::new(), BTreeSet::new());
    for (path, text) in sources() {
        for (tag, _) in tags(&text) {
            used.insert((tag, path.clone()));
        }
    }
    let readmes = files(&root().join("crates"), "md").into_iter();
    for path in readmes.chain([root().join("loom-tests/MODELS.md")]) {
        let text = fs::read_to_string(path).unwrap();
        explained.extend(text.split(['`', '[', ']', '|', ' ', ',', '\n']).map(str::to_owned));
    }
    assert!(used.len() > 10, "the tags were found");
    for (tag, path) in used {
        assert!(explained.contains(&tag), "{}: no README knows edge {tag}", path.display());
    }
}

/// `[edge: id]`, in comments.
fn tags(text: &str) -> impl Iterator<Item = (String, usize)> + '_ {
    text.match_indices("[edge: ").map(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        (rest[..rest.find(']').expect("a tag ends")].to_owned(), at)
    })
}

/// `docs/semantics.md` names tests; each of them exists.
#[test]
fn the_tests_that_cover_a_statement_exist() {
    let semantics = fs::read_to_string(root().join("docs/semantics.md")).unwrap();
    let mut named = 0;
    for quoted in semantics.split('`') {
        let Some((file, test)) = quoted.split_once(".rs::") else { continue };
        let path = root().join("crates").join(format!("{file}.rs"));
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}", path.display()));
        assert!(text.contains(&format!("fn {test}(")), "{}: no test {test}", path.display());
        named += 1;
    }
    assert!(named > 50, "the names were found");
}

/// A `lib.rs` has a map of its files, and the map is complete.
#[test]
fn the_map_of_a_crate_names_its_files() {
    for (name, _) in FLOORS.iter().filter(|(name, _)| *name != "macros" && *name != "loopwork") {
        let src = root().join("crates").join(name).join("src");
        let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
        for entry in fs::read_dir(&src).unwrap().flatten() {
            let file = entry.file_name().into_string().unwrap();
            // A folder beside a file of its name is in that file's own map.
            let in_other_map = src.join(format!("{file}.rs")).exists();
            if file != "lib.rs" && file != "README.md" && !in_other_map {
                assert!(
                    lib.contains(file.as_str()),
                    "crates/{name}/src/lib.rs does not list {file}"
                );
            }
        }
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines; cut it along its story", path.display());
    }
}
