//! The architecture's invariants, held by a test: floors, banned names, sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The floors of the house: a module may import from floors below its own, and from its own.
const FLOORS: [(&str, u8); 34] = [
    ("coverage_mark", 0),
    ("map", 0),
    ("region", 0),
    ("rng", 0),
    ("index", 0),
    ("slots", 0),
    ("table", 0),
    ("types", 0),
    ("api", 0),
    ("iam", 1),
    ("control", 1),
    ("sim", 2),
    ("check", 3),
    ("scenario", 4),
    ("fidelity", 5),
    ("generate", 5),
    ("model", 5),
    ("explain", 5),
    ("permissions", 5),
    ("shrink", 6),
    ("sweep", 6),
    ("gateway", 7),
    ("page", 7),
    ("property", 7),
    ("sdk", 7),
    ("server", 7),
    ("console", 7),
    ("cli", 8),
    ("suite", 8),
    ("main", 8),
    ("lib", 9),
    ("internals", 9),
    ("prelude", 9),
    ("", 9),
];

/// Imports that a module may not have though they are from below, and why.
const FORBIDDEN: [(&str, &str, &str); 2] = [
    ("control/", "crate::sim", "a control plane knows nothing of the world that it lives in"),
    ("sim/", "crate::check", "checkers stand beside the world; the world does not know them"),
];

/// Words that say nothing about what a thing is.
const BANNED: [(&str, &str); 6] = [
    ("Manager", "say what it manages, and do that"),
    ("Helper", "name what it helps with"),
    ("Utils", "put each function where its subject is"),
    ("Engine", "name the machine"),
    ("todo!", "finish it"),
    ("#[ignore", "a test that is not run is no test"),
];

/// Words that name no object of the field. An identifier or a comment says which index, node, caller or cluster it means.
const VAGUE: [&str; 9] =
    ["place", "places", "thing", "things", "somebody", "anybody", "whoever", "nobody", "told"];

/// A change "in place" is a term of its own.
const NOT_VAGUE: [&str; 1] = ["InPlace"];

/// A file that is longer wants to be two.
const MOST_LINES: usize = 600;
const LONGEST_LINE: usize = 120;
/// A function that is longer wants to be two.
const MOST_LINES_OF_A_FUNCTION: usize = 60;

#[test]
fn modules_import_from_their_own_floor_and_below_only() {
    for (path, text) in sources() {
        let own = floor(&path);
        for line in text.lines().take_while(|line| !line.starts_with("mod tests")) {
            for (module, below) in FLOORS.iter().filter(|(module, _)| !module.is_empty()) {
                let imports =
                    line.contains(&format!("crate::{module}::")) && !line.trim_start().starts_with("//");
                assert!(
                    !imports || *below <= own,
                    "{path} is on floor {own} and imports from floor {below}: {line}"
                );
            }
            for (prefix, import, why) in FORBIDDEN {
                assert!(!(path.starts_with(prefix) && line.contains(import)), "{path}: {why}: {line}");
            }
        }
    }
}

#[test]
fn the_control_plane_draws_no_random_numbers() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("control/")) {
        for draw in ["rng::stream", "rng::between", "Purpose"] {
            assert!(
                !text.contains(draw),
                "{path}: randomness is drawn by whoever keeps the time, not here: {draw}"
            );
        }
    }
}

#[test]
fn nodes_emit_effects_through_their_turn_only() {
    let emits = ["control/turn.rs", "control/message.rs"];
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("control/")) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_effect = |(at, line): (usize, &str)| !line[..at].ends_with(char::is_alphanumeric);
        let makes = |line: &&str| line.match_indices("Effect::").any(|(at, _)| is_effect((at, line)));
        let raw = code.filter(makes).find(|_| !emits.contains(&path.as_str()));
        assert!(raw.is_none(), "{path} makes an effect that `Turn` should emit: {raw:?}");
    }
}

#[test]
fn planted_bugs_stand_on_lines_of_their_own() {
    let sources = sources().into_iter().filter(|(path, _)| path.starts_with("control/"));
    for (path, text) in sources.filter(|(path, _)| !path.starts_with("control/mutant/")) {
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
            let is_inside = ["Mutant::", "mutants.has("].iter().any(|word| line.contains(word))
                || (line.contains("planted!") && !line.starts_with("planted!("));
            assert!(!is_inside, "{path} has a planted bug inside its code: {line}");
        }
    }
}

#[test]
fn no_name_says_nothing() {
    for (path, text) in sources() {
        for (word, advice) in BANNED {
            assert!(!text.contains(word), "{path} says `{word}`: {advice}");
        }
    }
}

#[test]
fn identifiers_and_comments_name_the_objects_of_the_field() {
    for (path, text) in sources() {
        for line in without_strings(&text).lines() {
            let line = NOT_VAGUE.iter().fold(line.to_owned(), |line, term| line.replace(term, ""));
            let vague = words(&line).find(|word| VAGUE.contains(&word.as_str()));
            assert!(vague.is_none(), "{path} says {vague:?}: {line}");
        }
    }
}

/// The words of a line in lower case; an identifier has several.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    for letter in line.chars() {
        if !letter.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(if letter.is_alphabetic() { letter.to_ascii_lowercase() } else { ' ' });
    }
    spaced.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The source without its string literals, whose texts feed draws and hashes or are the API's own.
fn without_strings(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((before, at)) = rest.find(['"', '/']).map(|start| rest.split_at(start)) {
        kept.push_str(before);
        let raw = before.trim_end_matches('#');
        let length = if at.starts_with("//") {
            // A quotation mark in a comment opens no literal.
            let comment = at.lines().next().unwrap_or_default();
            kept.push_str(comment);
            comment.len()
        } else if at.starts_with('/') || before.ends_with('\'') {
            1
        } else if raw.ends_with('r') {
            let close = format!("\"{}", &before[raw.len()..]);
            at[1..].find(&close).map_or(at.len(), |end| 1 + end + close.len())
        } else {
            string_length(at)
        };
        rest = &at[length..];
    }
    kept + rest
}

/// The length of the string literal at the beginning of `text`, with both quotation marks.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let close = text.char_indices().skip(1).find(|(_, letter)| {
        let closes = *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        closes
    });
    close.map_or(text.len(), |(index, _)| index + 1)
}

#[test]
fn a_string_literal_is_no_part_of_the_words_of_a_source() {
    let text = "let a = \"a \\\" place\"; // the \"place\nlet b = ('\"', r#\"place \"\"#, isAnyThing);";
    let kept = without_strings(text);
    assert_eq!(kept, "let a = ; // the \"place\nlet b = ('', r#, isAnyThing);");
    assert_eq!(words("isAnyThing, of_places").collect::<Vec<_>>(), ["is", "any", "thing", "of", "places"]);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{path} does not open with what it is for");
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{path} has {lines} lines and wants to be two files");
        let long = text.lines().find(|line| line.chars().count() > LONGEST_LINE);
        assert!(long.is_none(), "{path} has a line that is too long: {long:?}");
    }
}

#[test]
fn functions_are_short() {
    for (path, text) in sources() {
        let lines: Vec<_> = text.lines().collect();
        for (first, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
            let indent = line.len() - line.trim_start().len();
            // rustfmt puts the last brace of a function below its first word.
            let closes = |line: &&str| line.trim_end() == format!("{:indent$}}}", "");
            let length = lines[first..].iter().position(closes).map_or(1, |last| last + 1);
            // A declaration or a function on one line has no brace of its own there.
            let is_whole = !line.ends_with(';') && !line.ends_with('}');
            assert!(
                !is_whole || length <= MOST_LINES_OF_A_FUNCTION,
                "{path}:{}: a function of {length} lines wants to be two: {}",
                first + 1,
                line.trim()
            );
        }
    }
}

fn begins_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_prefix = |word: &&str| word.starts_with("pub") || ["const", "async"].contains(word);
    words.find(|word| !is_prefix(word)) == Some("fn")
}

#[test]
fn a_type_that_its_module_exports_is_imported_from_there() {
    let sources = sources();
    let exports: Vec<_> =
        sources.iter().filter_map(|(path, text)| Some((path.strip_suffix("/mod.rs")?, text))).collect();
    assert!(exports.len() > 10, "the modules were found");
    for (module, text) in exports {
        let crate_path = format!("crate::{}::", module.replace('/', "::"));
        for (child, names) in imports(text, "pub use ") {
            let detour = format!("{crate_path}{child}");
            for (path, text) in sources.iter().filter(|(path, _)| !path.starts_with(module)) {
                let direct = imports(text, "use ")
                    .find(|(from, used)| *from == detour && used.iter().any(|name| names.contains(name)));
                assert!(direct.is_none(), "{path} imports from {detour} what {module} exports itself");
            }
        }
    }
}

/// The imports of a source that begin with `keyword` at the beginning of a line: the path, and the names behind it.
fn imports<'a>(text: &'a str, keyword: &'static str) -> impl Iterator<Item = (&'a str, Vec<&'a str>)> {
    text.split('\n')
        .scan(0, |end, line| {
            let begin = *end;
            *end += line.len() + 1;
            Some((begin, line))
        })
        .filter_map(move |(begin, line)| {
            line.strip_prefix(keyword)?;
            let (import, _) = text[begin + keyword.len()..].split_once(';')?;
            let (path, names) = import.split_once("::{").or_else(|| import.rsplit_once("::"))?;
            let names = names.trim_end_matches('}').split(',').map(str::trim);
            Some((path, names.filter(|name| !name.is_empty()).collect()))
        })
}

#[test]
fn no_two_types_have_one_name() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in sources() {
        for name in text.lines().filter_map(defined_type) {
            if let Some(other) = known.insert(name.to_owned(), path.clone()) {
                panic!("`{name}` is defined in {other} and in {path}: each name stands for one thing");
            }
        }
    }
    assert!(known.len() > 300, "the types were found");
}

/// The type that a line defines, outside of modules, functions and implementations.
fn defined_type(line: &str) -> Option<&str> {
    let mut words = line.split(' ').skip_while(|word| word.starts_with("pub"));
    let is_type = |word: &str| ["struct", "enum", "trait", "type", "union"].contains(&word);
    let name = words.next().filter(|word| is_type(word)).and_then(|_| words.next())?;
    name.split(|letter: char| !letter.is_alphanumeric()).next()
}

#[test]
fn nothing_below_the_adapters_reads_a_clock_or_the_environment() {
    let banned =
        ["Instant::now", "SystemTime", "std::env::", "HashMap", "HashSet", "thread_rng", "f64", "f32"];
    for (path, text) in sources().into_iter().filter(|(path, _)| floor(path) < 7) {
        for word in banned {
            assert!(!text.contains(word), "{path} uses {word}, which differs between runs");
        }
    }
}

#[test]
fn the_architecture_names_every_source_file_and_no_other() {
    let page = page("ARCHITECTURE.md");
    let named: BTreeSet<_> = in_backticks(&page).filter(|name| name.ends_with(".rs")).collect();
    let sources = sources();
    for (path, _) in &sources {
        assert!(named.contains(path.as_str()), "ARCHITECTURE.md does not name {path}");
    }
    for name in named.iter().filter(|name| !name.starts_with("src/") && !name.starts_with("tests/")) {
        let is_source = sources.iter().any(|(path, _)| path == name);
        assert!(is_source, "ARCHITECTURE.md names {name}, which does not exist");
    }
}

#[test]
fn the_recipes_count_their_files_and_name_files_that_exist() {
    let page = page("CONTRIBUTING.md");
    let is_path = |name: &&str| name.starts_with("src/") || name.starts_with("tests/");
    let named: Vec<_> = in_backticks(&page).filter(is_path).collect();
    assert!(named.len() > 30, "the recipes were found");
    page.split("\n### ").skip(1).for_each(assert_count);
    for name in named {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        assert!(path.exists(), "CONTRIBUTING.md names {name}, which does not exist");
    }
}

/// The count of source files in a recipe's first line is that of its table.
fn assert_count(recipe: &str) {
    let claim = recipe.split_once(" source files").map(|(before, _)| before);
    let count = claim.and_then(|before| before.rsplit(' ').next()).and_then(|number| number.parse().ok());
    let rows: Vec<_> = recipe.lines().filter(|line| line.starts_with('|')).collect();
    let named = rows.iter().flat_map(|row| in_backticks(row)).filter(|name| name.starts_with("src/"));
    assert_eq!(count, Some(named.count()), "the files of: {}", recipe.lines().next().unwrap_or_default());
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a page")
}

/// The pieces of a page that stand in backticks on one line.
fn in_backticks(page: &str) -> impl Iterator<Item = &str> {
    page.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn floor(path: &str) -> u8 {
    let module = path.split(['/', '.']).next().unwrap_or_default();
    let found = FLOORS.iter().find(|(known, _)| *known == module);
    found.unwrap_or_else(|| panic!("{path} has no floor: give it one in FLOORS")).1
}

/// Every source file, by its path below `src`.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, "rs", &mut found);
    assert!(found.len() > 30, "the sources were found");
    found
}

fn collect(root: &Path, folder: &Path, extension: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, extension, found);
        } else if path.extension().is_some_and(|known| known == extension) {
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            found.push((name, fs::read_to_string(&path).expect("a readable source")));
        }
    }
}

#[test]
fn scenarios_open_with_their_claim_and_its_reason() {
    for (path, text) in scenarios() {
        let opening: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let claim = opening.first().map_or("", |line| line.trim_start_matches("# "));
        let sentence = claim.strip_suffix('.').unwrap_or_else(|| panic!("{path}: no sentence: {claim}"));
        assert!(!sentence.contains(". "), "{path}: the first line has one sentence: {claim}");
        let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(".scenario"));
        assert_eq!(name, Some(file_name(sentence).as_str()), "{path}: the name is the claim in words");
        assert!(
            opening.len() > 2 && opening[1] == "#",
            "{path}: a reason follows the claim, behind a line `#`"
        );
        let paragraphs: Vec<_> = opening.split(|line| *line == "#").map(|lines| lines.join(" ")).collect();
        let documents =
            paragraphs.iter().position(|it| it.starts_with("# No planted bug is aimed at this: "));
        assert!(
            documents.is_none_or(|at| at > 1 && at + 1 == paragraphs.len()),
            "{path}: what it documents is last"
        );
        if path.starts_with("scenarios/mistakes/") {
            let labels: Vec<_> =
                paragraphs[1..].iter().filter_map(|it| it.split(' ').nth(1)).take(3).collect();
            assert_eq!(labels, ["Seen:", "Cause:", "Remedy:"], "{path}: what is met, why, and what to do");
        }
        let is_assumption = path.starts_with("scenarios/assumptions/");
        assert!(!is_assumption || opening.join(" ").contains("default"), "{path}: the default is named");
        let set_up: Vec<_> = text.lines().skip(opening.len()).take(2).collect();
        assert!(set_up[0].is_empty() && set_up[1].starts_with("seed "), "{path}: `seed` follows the opening");
    }
}

#[test]
fn comments_of_scenarios_are_short_lines_about_objects_of_the_field() {
    for (path, text) in scenarios() {
        for line in text.lines().filter(|line| line.starts_with('#')) {
            assert!(line.chars().count() <= LONGEST_LINE, "{path} has a line that is too long: {line}");
            let mut words = line.split(|letter: char| !letter.is_alphabetic()).map(str::to_lowercase);
            let vague = words.find(|word| VAGUE.contains(&word.as_str()));
            assert!(vague.is_none(), "{path} says {vague:?}: {line}");
        }
    }
}

#[test]
fn a_scenario_that_a_comment_names_exists() {
    let scenarios = scenarios();
    let named = |word: &str| {
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        let (folder, _) = word.split_once('/')?;
        let is_folder = scenarios.iter().any(|(path, _)| path.split('/').nth(1) == Some(folder));
        is_folder.then(|| format!("scenarios/{word}.scenario"))
    };
    for (path, text) in &scenarios {
        let comments = text.lines().filter(|line| line.starts_with('#'));
        for other in comments.flat_map(str::split_whitespace).filter_map(named) {
            assert!(scenarios.iter().any(|(path, _)| *path == other), "{path} names {other}");
        }
    }
}

/// The name of a scenario's file: the words of its claim, those of `camelCase` apart.
fn file_name(claim: &str) -> String {
    let mut words = String::new();
    let mut is_small = false;
    for letter in claim.chars().filter(|letter| *letter != '\'') {
        if !letter.is_alphanumeric() || (is_small && letter.is_uppercase()) {
            words.push(' ');
        }
        is_small = letter.is_lowercase();
        words.extend(letter.to_lowercase().filter(|letter| letter.is_alphanumeric()));
    }
    words.split_whitespace().collect::<Vec<_>>().join("_")
}

#[test]
fn the_name_of_a_scenario_is_its_claim_in_words() {
    assert_eq!(
        file_name("A side's multiRegionProperties, in PENDING_SETUP"),
        "a_sides_multi_region_properties_in_pending_setup"
    );
}

/// Every scenario, by its path.
fn scenarios() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(root, &root.join("scenarios"), "scenario", &mut found);
    assert!(found.len() > 200, "the scenarios were found");
    found
}
