//! What nodes have in storage, on a real disk.
//!
//! One file of a data directory holds what is in the storage of every node, by the keys under which the nodes keep it;
//! records are JSON. Writes that became durable in the world are committed here, flushed to the disk, before any answer
//! behind them leaves, and so is the time before an answer says it. Tokens that have expired are removed with the next
//! commit. The directory is locked as long as a process is using it.
//!
//! A directory that is not right is refused and left as it is: what is opened, checked and repaired is a copy, which
//! takes the place of the original only when all of it could be read.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::cluster::Serial;
use crate::control::storage::{Batch, TokenWrite};
use crate::region::Region;
use crate::scenario::Scenario;
use crate::types::{Account, Instant, NodeId};

use super::StartError;

/// Where what nodes wrote is kept.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
    /// What the world began with.
    set_up: String,
    /// How long tokens are kept.
    token_window: Duration,
    /// The tokens that are here, in the order in which they were recorded.
    tokens: VecDeque<Recorded>,
    /// What was kept last, since it was opened.
    kept: Option<About>,
    /// Locked as long as it is open.
    _lock: File,
}

/// What a former life kept.
#[derive(Debug)]
pub(super) struct Saved {
    /// How it was when it ended.
    pub(super) about: About,
    /// What nodes wrote.
    pub(super) written: Vec<(NodeId, Batch)>,
}

/// What is kept of a world besides what nodes wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// What time it was.
    pub(super) now: Instant,
    /// How many lives there were before this one.
    pub(super) life: u64,
    /// Where customer managed keys were disabled.
    pub(super) keys_disabled: Vec<Region>,
}

/// A token that is here: when it was recorded, and its key in the table.
type Recorded = (Instant, (&'static str, Vec<u8>));

/// Format and scenario; time, life and where keys are disabled, once something was kept.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
/// Clusters by Region, account and place; `null` for one that is gone.
const CLUSTERS: TableDefinition<'_, (&str, &str, u64), &[u8]> = TableDefinition::new("clusters");
/// Token records by Region and token.
const TOKENS: TableDefinition<'_, (&str, &[u8]), &[u8]> = TableDefinition::new("tokens");
/// Acceptors by Region, whether it is the witness node there, and register.
const REGISTERS: TableDefinition<'_, (&str, bool, &[u8]), &[u8]> = TableDefinition::new("registers");

const FORMAT: &str = "dsql-sim 2";
const NOW: &str = "now";
const LIFE: &str = "life";
const KEYS_DISABLED: &str = "keys disabled";
const FILE: &str = "dsql-sim.redb";
const COPY: &str = "dsql-sim.redb.new";

/// How much memory the store's cache takes: what is written is hardly ever read.
const CACHE_BYTES: usize = 16 << 20;

impl Store {
    /// Opens the store in `directory`, or makes one there for a world that begins with `scenario`; gives what was
    /// written there, if anything was.
    ///
    /// # Errors
    /// The directory holds something else, is damaged or in use, or began with another scenario. It is as it was.
    pub(super) fn open(directory: &Path, scenario: &Scenario) -> Result<(Store, Option<Saved>), StartError> {
        let refused = |why: String| StartError::Data { directory: directory.to_owned(), why };
        let set_up = scenario.print("");
        let told = |error: io::Error| refused(error.to_string());
        fs::create_dir_all(directory).map_err(told)?;
        let (file, copy) = (directory.join(FILE), directory.join(COPY));
        let is_old = file.try_exists().map_err(told)?;
        if !is_old && holds_something_else(directory).map_err(told)? {
            return Err(refused("it is not empty, and holds no data of dsql-sim".to_owned()));
        }
        let lock = lock(directory).map_err(refused)?;
        let opened = if is_old { reopen(&file, &copy, &set_up) } else { create(&copy, &set_up) };
        let (database, saved) = opened.inspect_err(|_| remove(&copy)).map_err(refused)?;
        put_in_place(&copy, &file).map_err(told)?;
        let token_window = scenario.set_up.assumptions.token_window;
        let tokens = saved.iter().flat_map(|saved| &saved.written).filter_map(recorded).collect();
        Ok((Store { database, set_up, token_window, tokens, kept: None, _lock: lock }, saved))
    }

    /// What was kept last of the world besides what nodes wrote; nothing, if nothing was kept since it was opened.
    pub(super) fn kept(&self) -> Option<&About> {
        self.kept.as_ref()
    }

    /// Keeps `written`, oldest first, and leaves nothing of it. From the first time on, the world here has begun.
    ///
    /// # Errors
    /// It may not be kept.
    pub(super) fn keep(
        &mut self,
        about: About,
        written: &mut Vec<(NodeId, Batch)>,
    ) -> Result<(), StartError> {
        let (recorded_here, window) = (&mut self.tokens, self.token_window);
        write(&self.database, |transaction| {
            let mut clusters = transaction.open_table(CLUSTERS)?;
            let mut tokens = transaction.open_table(TOKENS)?;
            let mut registers = transaction.open_table(REGISTERS)?;
            // Before the new ones: a token that has expired may be used again.
            let has_expired = |(at, _): &mut Recorded| at.after(window) <= about.now;
            while let Some((_, (region, token))) = recorded_here.pop_front_if(has_expired) {
                tokens.remove((region, &*token))?;
            }
            recorded_here.extend(written.iter().filter_map(recorded));
            for (node, batch) in written.drain(..) {
                let region = node.region().map_or("", Region::name);
                if let Some((account, serial, record)) = &batch.cluster {
                    clusters.insert((region, &*account.to_string(), serial.0), &*json(record))?;
                }
                if let Some((key, record)) = &batch.token {
                    tokens.insert((region, &*json(key)), &*json(record))?;
                }
                if let Some((key, acceptor)) = batch.register.as_deref() {
                    let is_witness = matches!(node, NodeId::Witness(_));
                    registers.insert((region, is_witness, &*json(key)), &*json(acceptor))?;
                }
            }
            let mut table = transaction.open_table(ABOUT)?;
            table.insert(NOW, &*about.now.0.to_string())?;
            table.insert(LIFE, &*about.life.to_string())?;
            let regions: Vec<_> = about.keys_disabled.iter().map(|region| region.name()).collect();
            table.insert(KEYS_DISABLED, &*regions.join(" "))?;
            Ok(())
        })
        .map_err(StartError::Kept)?;
        self.kept = Some(about);
        Ok(())
    }

    /// Forgets everything: the world here has yet to begin.
    ///
    /// # Errors
    /// It may not be forgotten.
    pub(super) fn clear(&mut self) -> Result<(), StartError> {
        self.tokens.clear();
        self.kept = None;
        write(&self.database, |transaction| {
            transaction.delete_table(CLUSTERS)?;
            transaction.delete_table(TOKENS)?;
            transaction.delete_table(REGISTERS)?;
            transaction.delete_table(ABOUT)?;
            lay_out(transaction, &self.set_up)
        })
        .map_err(StartError::Kept)
    }
}

fn holds_something_else(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name != COPY {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lock(directory: &Path) -> Result<File, String> {
    let lock = File::open(directory).map_err(|error| error.to_string())?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err("another process is using it".to_owned()),
        Err(TryLockError::Error(error)) => Err(error.to_string()),
    }
}

fn create(copy: &Path, set_up: &str) -> Result<(Database, Option<Saved>), String> {
    remove(copy);
    let database =
        Builder::new().set_cache_size(CACHE_BYTES).create(copy).map_err(|error| error.to_string())?;
    write(&database, |transaction| lay_out(transaction, set_up)).map_err(|error| error.to_string())?;
    Ok((database, None))
}

fn reopen(file: &Path, copy: &Path, set_up: &str) -> Result<(Database, Option<Saved>), String> {
    fs::copy(file, copy).map_err(|error| error.to_string())?;
    let opened = Builder::new().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true).open(copy);
    let database = opened.map_err(damaged)?;
    let about = about(&database).map_err(damaged)?;
    let said = |name: &str| about.get(name).ok_or_else(|| damaged(format_args!("{name} is missing")));
    let format = said("format")?;
    if format != FORMAT {
        return Err(format!("its data are of the format {format:?}, and this version knows {FORMAT:?}"));
    }
    if said("scenario")? != set_up {
        return Err("it began with another scenario or seed".to_owned());
    }
    if !about.contains_key(LIFE) {
        return Ok((database, None));
    }
    let number = |name: &str| said(name)?.parse::<u64>().map_err(damaged);
    // Those that were written before it was kept have no such row.
    let keys_disabled = about.get(KEYS_DISABLED).map_or("", |regions| regions).split_whitespace();
    let keys_disabled = keys_disabled.map(|name| region(name).map_err(damaged)).collect::<Result<_, _>>()?;
    let about = About { now: Instant(number(NOW)?), life: number(LIFE)?, keys_disabled };
    let written = records(&database).map_err(damaged)?;
    Ok((database, Some(Saved { about, written })))
}

fn region(name: &str) -> Result<Region, String> {
    Region::parse(name).ok_or_else(|| format!("{name:?} is no Region"))
}

/// The token that a batch records, if it does.
fn recorded((node, batch): &(NodeId, Batch)) -> Option<Recorded> {
    let (key, record) = batch.token.as_ref()?;
    Some((record.at, (node.region().map_or("", Region::name), json(key))))
}

fn damaged(why: impl Display) -> String {
    format!("its data are damaged: {why}")
}

fn about(database: &Database) -> Result<BTreeMap<String, String>, redb::Error> {
    let table = database.begin_read()?.open_table(ABOUT)?;
    let rows = table.iter()?.map(|row| {
        let (name, value) = row?;
        Ok((name.value().to_owned(), value.value().to_owned()))
    });
    rows.collect()
}

fn records(database: &Database) -> Result<Vec<(NodeId, Batch)>, Box<dyn std::error::Error>> {
    let transaction = database.begin_read()?;
    let mut written = Vec::new();
    for row in transaction.open_table(CLUSTERS)?.iter()? {
        let (key, value) = row?;
        let (place, account, serial) = key.value();
        let account = Account::parse(account).ok_or_else(|| format!("{account:?} is no account"))?;
        let cluster = Some((account, Serial(serial), of_json(value.value())?));
        written.push((NodeId::ControlPlane(region(place)?), Batch { cluster, ..Batch::default() }));
    }
    let mut tokens: Vec<(NodeId, TokenWrite)> = Vec::new();
    for row in transaction.open_table(TOKENS)?.iter()? {
        let (key, value) = row?;
        let (place, token) = key.value();
        let token = (of_json(token)?, of_json(value.value())?);
        tokens.push((NodeId::ControlPlane(region(place)?), token));
    }
    // In the order in which they were recorded, and in which they will be forgotten.
    tokens.sort_by_key(|(_, (_, record))| record.at);
    written.extend(
        tokens.into_iter().map(|(node, token)| (node, Batch { token: Some(token), ..Batch::default() })),
    );
    for row in transaction.open_table(REGISTERS)?.iter()? {
        let (key, value) = row?;
        let (place, is_witness, register) = key.value();
        let place = region(place)?;
        let node = if is_witness { NodeId::Witness(place) } else { NodeId::ControlPlane(place) };
        let register = Some(Box::new((of_json(register)?, of_json(value.value())?)));
        written.push((node, Batch { register, ..Batch::default() }));
    }
    Ok(written)
}

fn write(
    database: &Database,
    fill: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    fill(&transaction)?;
    Ok(transaction.commit()?)
}

/// Every table, with nothing in it but what the world is to begin with.
fn lay_out(transaction: &redb::WriteTransaction, set_up: &str) -> Result<(), redb::Error> {
    transaction.open_table(CLUSTERS)?;
    transaction.open_table(TOKENS)?;
    transaction.open_table(REGISTERS)?;
    let mut about = transaction.open_table(ABOUT)?;
    about.insert("format", FORMAT)?;
    about.insert("scenario", set_up)?;
    Ok(())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a record is JSON")
}

fn of_json<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes)
}

/// The copy becomes what is opened the next time, with the directory's entry on the disk.
fn put_in_place(copy: &Path, file: &Path) -> io::Result<()> {
    fs::rename(copy, file)?;
    let directory = file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    File::open(directory)?.sync_all()
}

fn remove(copy: &Path) {
    // It need not be there.
    let _ = fs::remove_file(copy);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::{Response, TagResourceOutput};
    use crate::control::storage::{TokenKey, TokenRecord};
    use crate::scenario::SetUp;

    fn open(directory: &Path) -> (Store, Option<Saved>) {
        let scenario = Scenario::of(SetUp::new(), Vec::new());
        Store::open(directory, &scenario).expect("a store")
    }

    #[test]
    fn a_world_has_begun_when_something_was_kept_and_not_when_it_was_only_laid_out_or_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        // The process may be killed before what the scenario makes happen first is kept.
        for _ in 0..2 {
            assert!(open(folder.path()).1.is_none());
        }
        let mut store = open(folder.path()).0;
        let about =
            About { now: Instant(7), life: 3, keys_disabled: vec![region("us-east-1").expect("a Region")] };
        store.keep(about.clone(), &mut Vec::new()).expect("room");
        drop(store);
        let (mut store, saved) = open(folder.path());
        let saved = saved.expect("a world");
        assert_eq!((saved.about, saved.written.len()), (about, 0));
        store.clear().expect("room");
        drop(store);
        assert!(open(folder.path()).1.is_none());
    }

    #[test]
    fn a_token_is_removed_once_it_has_expired_and_one_that_is_used_again_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let window = SetUp::new().assumptions.token_window;
        let at = |windows: u32, seconds: u64| {
            Instant::START.after(window * windows + Duration::from_secs(seconds))
        };
        let node = NodeId::ControlPlane(region("us-east-1").expect("a Region"));
        let batch = |token: &str, at: Instant| {
            let key = TokenKey { account: Account::DEFAULT, operation: None, token: token.to_owned().into() };
            let response = Arc::new(Response::TagResource(TagResourceOutput {}));
            let token = Some((key, TokenRecord { fingerprint: Default::default(), response, at }));
            (node, Batch { token, ..Batch::default() })
        };
        let about = |now| About { now, life: 0, keys_disabled: Vec::new() };
        let mut store = open(folder.path()).0;
        let mut written = vec![batch("old", at(0, 1)), batch("again", at(0, 2)), batch("young", at(0, 9))];
        store.keep(about(at(0, 9)), &mut written).expect("room");
        drop(store);
        // Also in another life.
        let mut store = open(folder.path()).0;
        store.keep(about(at(1, 5)), &mut vec![batch("again", at(1, 5))]).expect("room");
        drop(store);
        let saved = open(folder.path()).1.expect("a world");
        assert_eq!(saved.written, [batch("young", at(0, 9)), batch("again", at(1, 5))]);
    }
}
