//! The README and the pages of `docs/`: every block of code or console in them is run, here or in the test named below.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The command of a clone, and of an installed program.
const BUILD_AND_RUN: &str = "$ cargo run --release -- ";
const RUN: &str = "$ dsql-sim ";

/// A fenced block: its language and its text.
struct Block {
    page: String,
    language: String,
    text: String,
}

#[test]
fn the_console_blocks_show_what_happens() {
    assert!(read("README.md").contains(BUILD_AND_RUN), "the README has the command that builds and runs");
    let cases = trycmd::TestCases::new();
    let with_console = pages().into_iter().filter(|page| read(page).contains("```console"));
    for page in with_console {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(page.replace('/', "-"));
        fs::write(&path, read(&page).replace(BUILD_AND_RUN, RUN)).expect("a copy of the page");
        cases.case(&path);
    }
}

#[test]
fn every_scenario_shown_is_a_file_of_the_repository_or_passes() {
    let files: Vec<String> = files_below("docs/examples").iter().map(|file| read(file)).collect();
    for Block { page, text, .. } in blocks("scenario") {
        assert!(
            files.contains(&text) || passes(&text),
            "{page} shows a scenario that is not in docs/examples and does not pass:\n{text}"
        );
    }
}

#[test]
fn every_rust_block_is_a_doc_test() {
    let doc_tests = read("src/lib.rs");
    for Block { page, .. } in blocks("rust") {
        assert!(
            doc_tests.contains(&format!("include_str!(\"../{page}\")")),
            "src/lib.rs does not include {page}"
        );
    }
}

/// `tests/clients/python/test_docs.py` runs these files, and `python/test` those of the Python package.
#[test]
fn every_block_of_a_client_is_a_file_that_is_run() {
    let files = [files_below("tests/clients"), files_below("python/examples")].concat();
    let files: Vec<String> = files.iter().map(|file| read(file)).collect();
    for language in ["sh", "python", "javascript", "rs", "hcl"] {
        for Block { page, text, .. } in blocks(language) {
            assert!(
                files.contains(&text),
                "{page} shows {language} that is no file of tests/clients:\n{text}"
            );
        }
    }
}

/// The pictures of the pages are made by the program, from the scenarios beside them.
#[test]
fn every_sequence_diagram_is_what_the_program_prints() {
    let examples = files_below("docs/examples").into_iter().filter(|file| file.ends_with(".scenario"));
    let diagrams: Vec<String> = examples.map(|file| diagram_of(&file)).collect();
    for Block { page, text, .. } in blocks("mermaid") {
        assert!(diagrams.contains(&text), "{page} shows a diagram of no scenario in docs/examples:\n{text}");
    }
}

/// `text` is the language of the reference alone, whose examples a test of `scenario::reference` parses.
#[test]
fn no_block_is_of_another_language() {
    let run = ["console", "mermaid", "scenario", "rust", "sh", "python", "javascript", "rs", "hcl"];
    for Block { page, language, .. } in all_blocks() {
        let is_run = run.contains(&language.as_str());
        let is_reference = page == "docs/scenario-files.md" && language == "text";
        assert!(is_run || is_reference, "{page} has a block of `{language}`, which no test runs");
    }
}

#[test]
fn the_readme_is_short_and_names_the_oldest_compiler() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 120, "the README has at most 120 lines");
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        readme.contains(&format!("with Rust {oldest}")),
        "the README names another compiler than {oldest}"
    );
}

#[test]
fn every_link_leads_to_a_file() {
    let others = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned);
    for page in pages().into_iter().chain(others.into_iter().filter(|page| root().join(page).exists())) {
        let folder = root().join(&page).parent().expect("a folder").to_owned();
        for link in read(&page).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let is_elsewhere = link.starts_with("https://") || file.is_empty();
            assert!(
                is_elsewhere || folder.join(file).exists(),
                "{page} links to {link}, which does not exist"
            );
        }
    }
}

/// Whether `dsql-sim run --strict` passes with this scenario.
fn passes(scenario: &str) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-sim"));
    let started = command.args(["run", "--strict", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut run = started.expect("the program starts");
    let mut input = run.stdin.take().expect("a pipe");
    input.write_all(scenario.as_bytes()).expect("the program reads the scenario");
    drop(input);
    run.wait().expect("the program ends").success()
}

/// What `dsql-sim report --format mermaid` prints for this scenario.
fn diagram_of(file: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-sim"));
    let printed = command.args(["report", "--format", "mermaid", file]).current_dir(root()).output();
    String::from_utf8(printed.expect("the program starts").stdout).expect("a diagram is text")
}

fn blocks(language: &str) -> impl Iterator<Item = Block> {
    all_blocks().into_iter().filter(move |block| block.language == language)
}

fn all_blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for page in pages() {
        let text = read(&page);
        // Outside and inside of fences alternate.
        for block in text.split("\n```").skip(1).step_by(2) {
            let (language, text) = block.split_once('\n').expect("a fence ends its line");
            let (page, language, text) = (page.clone(), language.to_owned(), format!("{text}\n"));
            found.push(Block { page, language, text });
        }
    }
    assert!(found.len() > 20, "the blocks were found");
    found
}

/// The README and the pages directly below `docs/`.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).expect("the folder of pages") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name in UTF-8");
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    pages
}

/// Every text file below a folder, except the files that package managers and builds leave there.
fn files_below(folder: &str) -> Vec<String> {
    let walk = walkdir::WalkDir::new(root().join(folder)).into_iter();
    let is_left = |name: &str| matches!(name, "node_modules" | "target" | "__pycache__" | ".pytest_cache");
    let kept = walk.filter_entry(|entry| !entry.file_name().to_str().is_some_and(is_left));
    let files = kept.map(|entry| entry.expect("an entry").into_path()).filter(|path| path.is_file());
    files.map(|path| path.strip_prefix(root()).expect("below the root").display().to_string()).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file of the repository")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
