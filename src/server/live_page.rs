//! The live page at `/_sim/`: the shell as HTML, and the script and the style that it refers to.
//!
//! The page holds nothing about the world, so it needs no token. Its script reads `GET /_sim/events` and sends what a
//! person clicks to the other paths of the control interface, with the token that the person enters. The policy of its
//! content lets the browser load and ask nothing but this server, and no other page may frame it.

use maud::{DOCTYPE, Markup, html};

use crate::region::Region;

/// A file of the page: its media type, and its content.
pub(super) type PageFile = (&'static str, String);

/// The file of the page at `path`, which is below that of the control interface.
pub(super) fn file(path: &str) -> Option<PageFile> {
    match path {
        "" | "/" => Some(("text/html; charset=utf-8", shell().into_string())),
        "/live.js" => Some(("text/javascript; charset=utf-8", SCRIPT.to_owned())),
        "/live.css" => Some(("text/css; charset=utf-8", STYLE.to_owned())),
        _ => None,
    }
}

/// The headers of the page and its files.
pub(super) const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

fn shell() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "dsql-sim, live" }
                link rel="stylesheet" href="/_sim/live.css";
                script type="module" src="/_sim/live.js" {}
            }
            body {
                header {
                    h1 { "dsql-sim " span .quiet { "live" } }
                    p #connection role="status" { "connecting" }
                }
                main {
                    noscript { p { "This page needs JavaScript. The paths under /_sim/ answer without it." } }
                    (token_form())
                    div #violations role="alert" {}
                    (clock())
                    (board())
                    div .columns {
                        (faults())
                        (list_section("clusters", "Clusters", html! {
                            table {
                                thead { tr {
                                    th scope="col" { "Cluster" }
                                    th scope="col" { "Region" }
                                    th scope="col" { "Status" }
                                    th scope="col" { "Peer" }
                                } }
                                tbody #clusters {}
                            }
                        }))
                        (list_section("calls", "Calls", html! { ol #calls {} }))
                        (list_section("waits", "Who waits for whom", html! { ul #waits {} }))
                        (list_section("trace", "Trace", html! { pre #trace {} }))
                    }
                }
            }
        }
    }
}

/// The form for the token of the control interface, which is hidden until the server demands one.
fn token_form() -> Markup {
    html! {
        form #token-form hidden {
            label for="token" {
                "This server has a token (" code { "--token" } "). Enter it to see and control the simulation."
            }
            div .row {
                input #token type="password" autocomplete="off" required;
                button { "Connect" }
            }
        }
    }
}

fn clock() -> Markup {
    html! {
        section .clock aria-labelledby="clock-title" {
            h2 #clock-title { "Clock" }
            p .time { time #time { "–" } " " span #pace .quiet {} }
            div .row {
                button #pause type="button" { "Pause" }
                button #step type="button" { "Step" }
                label { "Speed " select #speed {
                    @for speed in SPEEDS { option value=(speed) { (speed) "×" } }
                } }
                label { "Advance " select #advance-by {
                    @for (by, name) in ADVANCES { option value=(by) selected[by == "30s"] { (name) } }
                } }
                button #advance type="button" { "Advance" }
                span .gap {}
                label { "Seed " input #seed type="number" min="0" inputmode="numeric" placeholder="same"; }
                button #reset type="button" { "Reset" }
                button #save type="button" aria-describedby="save-note" { "Save as scenario" }
            }
            div .row {
                p #said role="status" {}
                p #save-note .quiet {}
            }
        }
    }
}

/// The board: every Region about where it is, and over them the lines of pairs and faults.
fn board() -> Markup {
    html! {
        section aria-labelledby="board-title" {
            h2 #board-title { "Regions" }
            p .quiet { "Select a Region for a fault, and a second one for a fault between the two." }
            div #board {
                @for (part, rows) in BOARD {
                    div .part role="group" aria-label=(part) {
                        h3 { (part) }
                        div .grid {
                            @for region in rows.into_iter().flatten() {
                                @match region {
                                    Some(region) => (region_button(region)),
                                    None => span {},
                                }
                            }
                        }
                    }
                }
                svg #lines aria-hidden="true" {}
            }
            ul .legend aria-label="Lines" {
                li .linked { "linked pair" }
                li .declared { "declared, not linked" }
                li .witness { "witness of a pair" }
                li .cut { "partition" }
                li .rule { "other rule" }
            }
        }
    }
}

fn region_button(region: Region) -> Markup {
    html! {
        button .region type="button" aria-pressed="false" data-region=(region) {
            span .name { (region) }
            span .nodes {}
            span .count {}
        }
    }
}

fn faults() -> Markup {
    let regions = |id: &str, chosen: Region| {
        html! {
            select id=(id) {
                @for region in Region::all() { option selected[region == chosen] { (region) } }
            }
        }
    };
    html! {
        section aria-labelledby="faults-title" {
            h2 #faults-title { "Faults" }
            div .row {
                label { "Region " (regions("one", Region::US_EAST_1)) }
                button type="button" data-fault="outage ONE" { "Outage" }
                button type="button" data-fault="crash ONE" { "Crash control plane" }
                button type="button" data-fault="crash ONE/witness" { "Crash witness node" }
                button type="button" data-fault="drop ONE->* response times=1" { "Drop next answer" }
                button type="button" data-fault="restart ONE\nrestart ONE/witness" { "Restart" }
            }
            div .row {
                label { "and " (regions("other", Region::US_EAST_2)) }
                button type="button" data-fault="partition ONE<->OTHER" { "Partition" }
                button type="button" data-fault="heal ONE<->OTHER" { "Heal link" }
                span .gap {}
                button #heal type="button" { "Heal everything" }
            }
            form #fault-form .row {
                label .wide { "Any fault, in a line "
                    input #fault placeholder="delay us-east-1<->us-west-2 by=2s" autocomplete="off" spellcheck="false";
                }
                button { "Inject" }
            }
            h3 #active-title tabindex="-1" { "Active" }
            ul #faults aria-labelledby="active-title" {}
        }
    }
}

/// A section with a list that scrolls.
fn list_section(name: &str, title: &str, list: Markup) -> Markup {
    let heading = format!("{name}-title");
    html! {
        section .(name) aria-labelledby=(heading) {
            h2 id=(heading) { (title) " " span .quiet data-more=(name) {} }
            div .scroll tabindex="0" role="group" aria-labelledby=(heading) { (list) }
        }
    }
}

const SCRIPT: &str = include_str!("../page/live_page.js");

const STYLE: &str = include_str!("../page/live_page.css");

/// Virtual seconds per second.
const SPEEDS: [u32; 7] = [1, 10, 60, 600, 3600, 86_400, super::MOST_SPEED];

/// Times to advance by, each with its name.
const ADVANCES: [(&str, &str); 6] =
    [("1s", "1 s"), ("10s", "10 s"), ("30s", "30 s"), ("1m", "1 min"), ("10m", "10 min"), ("1h", "1 h")];

/// The parts of the world in rows of three, north first and west first.
const BOARD: [(&str, [[Option<Region>; 3]; 3]); 3] = [
    (
        "Americas",
        [
            [Some(Region::CA_WEST_1), None, Some(Region::CA_CENTRAL_1)],
            [Some(Region::US_WEST_2), Some(Region::US_EAST_2), Some(Region::US_EAST_1)],
            [None, None, Some(Region::SA_EAST_1)],
        ],
    ),
    (
        "Europe",
        [
            [None, None, Some(Region::EU_NORTH_1)],
            [Some(Region::EU_WEST_1), Some(Region::EU_WEST_2), Some(Region::EU_CENTRAL_1)],
            [Some(Region::EU_SOUTH_2), Some(Region::EU_WEST_3), None],
        ],
    ),
    (
        "Asia Pacific",
        [
            [Some(Region::AP_NORTHEAST_2), Some(Region::AP_NORTHEAST_3), Some(Region::AP_NORTHEAST_1)],
            [Some(Region::AP_SOUTH_1), Some(Region::AP_EAST_1), None],
            [Some(Region::AP_SOUTHEAST_1), Some(Region::AP_SOUTHEAST_4), Some(Region::AP_SOUTHEAST_2)],
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_on_the_board_once() {
        let mut shown: Vec<Region> =
            BOARD.iter().flat_map(|(_, rows)| rows.iter().flatten().flatten()).copied().collect();
        shown.sort_unstable();
        assert_eq!(shown, Region::all().collect::<Vec<_>>());
    }
}
