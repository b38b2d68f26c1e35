//! The console blocks of the README, run.

#[test]
fn the_readme_shows_what_happens() {
    trycmd::TestCases::new().case("README.md");
}
