//! What the maps of this crate are worth: each beside the one that it stands in for, in time and in memory.

use std::collections::BTreeMap;

use divan::{AllocProfiler, Bencher};
use dsql_sim::api::TagMap;
use dsql_sim::internals::map::FixedMap;
use dsql_sim::internals::rng::mix;
use dsql_sim::internals::table::Table;

/// Few entries, as in a generated scenario; and more than fit the caches, as behind a server.
const SIZES: [u64; 2] = [100, 1_000_000];

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Random keys, as identifiers are.
fn keys(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(|number| mix(0, number))
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn insert_into_table(bencher: Bencher<'_, '_>, count: u64) {
    bencher.bench_local(|| {
        let mut table = Table::default();
        for key in keys(count) {
            table.insert(key, key);
        }
        table
    });
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn insert_into_index_map(bencher: Bencher<'_, '_>, count: u64) {
    bencher.bench_local(|| {
        let mut map = FixedMap::default();
        for key in keys(count) {
            map.insert(key, key);
        }
        map
    });
}

fn one_tag() -> [(String, String); 1] {
    [("team".to_owned(), "blue".to_owned())]
}

#[divan::bench]
fn one_tag_in_tag_map() -> TagMap {
    one_tag().into_iter().collect()
}

#[divan::bench]
fn one_tag_in_b_tree_map() -> BTreeMap<String, String> {
    one_tag().into_iter().collect()
}
