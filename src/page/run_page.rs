//! The page of a run: the failure and its explanation, a space-time diagram, and the state of every Region.

use std::sync::LazyLock;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use super::{content_security_policy, embedded_json};

/// The style sheet: what is for narrow windows and for paper comes last.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    [
        include_str!("page.css"),
        include_str!("summary.css"),
        include_str!("timeline.css"),
        include_str!("diagram.css"),
        include_str!("inspector.css"),
        include_str!("media.css"),
    ]
    .concat()
});

/// The script, in the order of its parts: each uses what the parts before it define.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    [
        include_str!("model.js"),
        include_str!("layout.js"),
        include_str!("diagram.js"),
        include_str!("timeline.js"),
        include_str!("panels.js"),
        include_str!("run_page.js"),
    ]
    .concat()
});

/// The page of a run as one self-contained HTML file.
///
/// The document has the members that `dsql-sim report --format json` prints; `title` is the text of the window's tab.
///
/// # Errors
///
/// The document has no JSON form: a map whose keys are no strings, or an error of its own serializer.
pub fn run_page(document: &impl Serialize, title: &str) -> Result<String, serde_json::Error> {
    let json = embedded_json(document)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy(&STYLE, &SCRIPT));
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE.as_str())) }
            }
            body {
                a .skip href="#timeline" { "Skip to the events" }
                header #summary {}
                main { (workbench()) }
                (inspector())
                section #print aria-label="Events" hidden {}
                div #live .visually-hidden role="status" aria-live="polite" {}
                (help())
                noscript { p .notice { "This page draws the run with a script, which is part of the file." } }
                script #run type="application/json" { (PreEscaped(json)) }
                script { (PreEscaped(SCRIPT.as_str())) }
            }
        }
    };
    Ok(page.into_string())
}

/// The filters, the names of the lanes, and the list of events over which the diagram is drawn.
fn workbench() -> Markup {
    html! {
        div #bench-head {
            form #filters role="search" aria-label="Events" {
                label { "Lane " select #filter-lane { option value="" { "all" } } }
                label { "Cluster " select #filter-cluster { option value="" { "all" } } }
                label { "Operation " select #filter-operation { option value="" { "all" } } }
                label .check { input #filter-cone type="checkbox"; " only the causal cone" }
                label .check { input #show-registers type="checkbox"; " link registers" }
                label .find {
                    "Search " input #search type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/";
                }
                output #matches for="search" {}
                span .buttons {
                    button #theme type="button" { "Theme: system" }
                    button #help-button type="button" aria-keyshortcuts="?" { "Keys" }
                }
            }
            div #lanes aria-hidden="true" {}
        }
        div #timeline role="listbox" tabindex="0" aria-label="Events in the order of time" {}
    }
}

/// What is known of the selected event, beside the scenario's text.
fn inspector() -> Markup {
    html! {
        aside #inspector aria-label="The selected event" {
            button #unfold type="button" aria-expanded="false" aria-controls="details" { "Details" }
            div #details {
                section #selected role="region" tabindex="0" aria-label="Event and state" {}
                section #scenario role="region" tabindex="0" aria-label="Scenario" {}
            }
        }
    }
}

/// The keys and the signs of the diagram.
fn help() -> Markup {
    let keys = [
        ("j or ↓, k or ↑", "next and previous event"),
        ("n, p", "next and previous event of the causal cone"),
        ("f", "the failure"),
        ("/", "search; Enter and Shift+Enter go through the matches"),
        ("Escape", "clears the search, then the selection"),
        ("?", "this page"),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { "Keys and signs" }
            dl .keys {
                @for (key, meaning) in keys {
                    div { dt { kbd { (key) } } dd { (meaning) } }
                }
            }
            div #legend {}
            form method="dialog" { button { "Close" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::run_page;

    #[test]
    fn no_text_of_a_scenario_ends_the_data() {
        let text = "# </script><script>alert(1)</script> <!-- \u{2028} → 🌍 & \\u003c";
        let page = run_page(&json!({ "text": text }), "</title>").expect("JSON");
        assert_eq!(page.matches("</script>").count(), 2, "the data and the script of the page");
        let (_, data) = page.split_once("type=\"application/json\">").expect("the data");
        let (data, _) = data.split_once("</script>").expect("its end");
        assert!(data.is_ascii(), "a text of one byte for each letter: {data}");
        let back: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(back["text"], text);
        assert!(page.contains("<title>&lt;/title&gt;</title>"));
    }

    #[test]
    fn the_policy_names_the_script_that_the_page_has() {
        let page = run_page(&json!({}), "run").expect("JSON");
        let hash = |text: &str| {
            use sha2::Digest;
            data_encoding::BASE64.encode(&sha2::Sha256::digest(text))
        };
        let between = |begin: &str, end: &str| {
            let (_, rest) = page.split_once(begin).expect("the element");
            rest.split_once(end).expect("its end").0.to_owned()
        };
        assert!(page.contains(&format!("style-src 'sha256-{}'", hash(&between("<style>", "</style>")))));
        assert!(page.contains(&format!("script-src 'sha256-{}'", hash(&between("<script>", "</script>")))));
    }
}
