//! The data directory: the storage of every node, on a real disk.
//!
//! One database file has a table for each kind of record (`rows`); values are JSON. A batch that became durable in the
//! world is committed and flushed here before any answer that depends on it leaves. The virtual time is committed
//! before an answer shows it. Each commit also removes the tokens that have expired. The directory is locked while a
//! process uses it. A file beside the database counts the commits (`commit_count`).
//!
//! A directory with other or damaged contents is refused and left unchanged. For that, the file is copied first: the
//! copy is opened, checked and repaired, and replaces the original only after all of it could be read.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::control::environment::ExternalEvent;
use crate::control::records::Batch;
use crate::region::Region;
use crate::scenario::Scenario;
use crate::types::{Instant, NodeId};

use super::StartError;
use super::commit_count::{self, CommitCount};
use super::environment_events;
use super::rows::{self, Rows, TokenRow};

/// An open data directory.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
    count: CommitCount,
    /// The scenario, as text. A directory continues only a world that began with the same one.
    set_up: String,
    /// The time after which a token expires.
    token_window: Duration,
    /// The tokens in the database, in the order in which they were recorded and will expire.
    tokens: VecDeque<TokenEntry>,
    /// The header of the last commit since the directory was opened.
    committed: Option<WorldHeader>,
    /// The lock of the directory, held as long as the file is open.
    _lock: File,
}

/// The world of the last commit.
#[derive(Debug)]
pub(super) struct SavedWorld {
    /// The state outside of the nodes' storage.
    pub(super) header: WorldHeader,
    /// The storage of every node, one record a batch.
    pub(super) batches: Vec<(NodeId, Batch)>,
}

/// The state of a world outside of the nodes' storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WorldHeader {
    /// The virtual time.
    pub(super) now: Instant,
    /// The number of times that the world was started, continued or reset before.
    pub(super) incarnation: u64,
    /// The events that lead to the environment of each Region.
    pub(super) environment_events: Vec<(Region, ExternalEvent)>,
}

/// A token in the database: the time at which it was recorded, and its key in the table.
type TokenEntry = (Instant, TokenRow);

/// Names and values: format and scenario from the start, and the header once there was a commit.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");

const FORMAT: &str = "dsql-sim 4";
const NOW: &str = "now";
const INCARNATION: &str = "life";
// The first version kept disabled keys alone.
const ENVIRONMENT: &str = "keys disabled";
const COMMITS: &str = "commits";
const FILE: &str = "dsql-sim.redb";
/// The number of the commit with which a database is created.
const FIRST_COMMIT: u64 = 1;
const COPY: &str = "dsql-sim.redb.new";

/// The memory of the database's cache. It is small, because rows are read only when the directory is opened.
const CACHE_BYTES: usize = 16 << 20;

/// The reason why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The directory is not empty, and its contents are not those of a store.
    #[error("it is not empty, and holds no data of dsql-sim")]
    OtherContents,
    /// Another process holds the lock of the directory.
    #[error("another process is using it")]
    InUse,
    /// The store has this format, which is not the one of this version.
    #[error("its data has the format {0:?}, expected {FORMAT:?}")]
    Format(String),
    /// The stored world began with another scenario or seed than the one given.
    #[error("its world began with another scenario or seed")]
    OtherScenario,
    /// The store is incomplete or inconsistent.
    #[error("its data is damaged: {0}")]
    Damaged(String),
    /// An error of the operating system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An error of the database on its creation.
    #[error(transparent)]
    Database(#[from] redb::Error),
}

impl Store {
    /// Opens the store in `directory`, or creates one there for a world that begins with `scenario`. Gives the saved
    /// world if there was a commit.
    ///
    /// # Errors
    /// The directory has other contents, is damaged, is in use, or belongs to a world of another scenario. It is left
    /// unchanged.
    pub(super) fn open(
        directory: &Path,
        scenario: &Scenario,
    ) -> Result<(Store, Option<SavedWorld>), StartError> {
        Store::open_data(directory, scenario)
            .map_err(|error| StartError::Data { directory: directory.to_owned(), error })
    }

    fn open_data(directory: &Path, scenario: &Scenario) -> Result<(Store, Option<SavedWorld>), DataError> {
        let set_up = scenario.print("");
        fs::create_dir_all(directory)?;
        let (file, copy) = (directory.join(FILE), directory.join(COPY));
        let is_old = file.try_exists()?;
        if !is_old && has_other_contents(directory)? {
            return Err(DataError::OtherContents);
        }
        let lock = lock(directory)?;
        let counted = commit_count::read(directory).map_err(damaged)?;
        if !is_old && counted.is_some_and(|count| count > FIRST_COMMIT) {
            return Err(damaged(format_args!("{FILE} is missing")));
        }
        let opened = if is_old { reopen(&file, &copy, &set_up, counted) } else { create(&copy, &set_up) };
        let (database, saved, commits) = opened.inspect_err(|_| remove(&copy))?;
        if !is_old {
            // Before the database has its name: a database without a count is damaged.
            commit_count::create(directory, commits)?;
        }
        replace(&copy, &file)?;
        let count = CommitCount::open(&file, commits)?;
        let token_window = scenario.set_up.assumptions.token_window;
        let tokens = saved.iter().flat_map(|saved| &saved.batches).filter_map(token_entry).collect();
        Ok((Store { database, count, set_up, token_window, tokens, committed: None, _lock: lock }, saved))
    }

    /// The header of the last commit; `None` if there was no commit since the directory was opened.
    pub(super) fn committed(&self) -> Option<&WorldHeader> {
        self.committed.as_ref()
    }

    /// Commits and drains `batches`, oldest first, in one transaction. The first commit makes the directory one of a
    /// world that has begun.
    ///
    /// # Errors
    /// The commit failed. Whether it is on disk is unknown, so no answer that depends on it may be sent.
    pub(super) fn commit(
        &mut self,
        header: WorldHeader,
        batches: &mut Vec<(NodeId, Batch)>,
    ) -> Result<(), StartError> {
        let (known_tokens, window) = (&mut self.tokens, self.token_window);
        write_counted(&self.database, &mut self.count, |transaction| {
            let mut rows = Rows::open(transaction)?;
            // Expired tokens are removed before new ones are inserted: a batch may record the same token again, and the
            // removal would otherwise delete the new record.
            let has_expired = |(at, _): &mut TokenEntry| at.after(window) <= header.now;
            while let Some((_, token)) = known_tokens.pop_front_if(has_expired) {
                rows.remove_token(&token)?;
            }
            known_tokens.extend(batches.iter().filter_map(token_entry));
            for (node, batch) in batches.drain(..) {
                rows.write(node, &batch)?;
            }
            let mut table = transaction.open_table(ABOUT)?;
            table.insert(NOW, &*header.now.0.to_string())?;
            table.insert(INCARNATION, &*header.incarnation.to_string())?;
            table.insert(ENVIRONMENT, &*environment_events::text(&header.environment_events))?;
            Ok(())
        })
        .map_err(StartError::Kept)?;
        self.committed = Some(header);
        Ok(())
    }

    /// Deletes every record: the world has not begun.
    ///
    /// # Errors
    /// The commit failed.
    pub(super) fn clear(&mut self) -> Result<(), StartError> {
        self.tokens.clear();
        self.committed = None;
        write_counted(&self.database, &mut self.count, |transaction| {
            Rows::delete(transaction)?;
            transaction.delete_table(ABOUT)?;
            create_tables(transaction, &self.set_up)
        })
        .map_err(StartError::Kept)
    }
}

fn has_other_contents(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        // Both are left behind when a process is killed while it opens the directory.
        if name != COPY && name != commit_count::NAME {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lock(directory: &Path) -> Result<File, DataError> {
    let lock = File::open(directory)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DataError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// An open database, the world that was saved in it, and the number of its commits.
type OpenDatabase = (Database, Option<SavedWorld>, u64);

fn create(copy: &Path, set_up: &str) -> Result<OpenDatabase, DataError> {
    remove(copy);
    let created = Builder::new().set_cache_size(CACHE_BYTES).create(copy);
    let database = created.map_err(redb::Error::from)?;
    write(&database, |transaction| {
        create_tables(transaction, set_up)?;
        number(transaction, FIRST_COMMIT)
    })?;
    Ok((database, None, FIRST_COMMIT))
}

fn reopen(file: &Path, copy: &Path, set_up: &str, counted: Option<u64>) -> Result<OpenDatabase, DataError> {
    fs::copy(file, copy)?;
    let opened = Builder::new().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true).open(copy);
    let database = opened.map_err(damaged)?;
    let about = about(&database).map_err(damaged)?;
    let value = |name: &str| about.get(name).ok_or_else(|| damaged(format_args!("{name} is missing")));
    let format = value("format")?;
    if format != FORMAT {
        return Err(DataError::Format(format.clone()));
    }
    let number = |name: &str| value(name)?.parse::<u64>().map_err(damaged);
    let commits = number(COMMITS)?;
    let counted = counted.ok_or_else(|| damaged(format_args!("{} is missing", commit_count::NAME)))?;
    if commits < counted {
        return Err(damaged(format_args!("of {counted} commits, the last {} are lost", counted - commits)));
    }
    if value("scenario")? != set_up {
        return Err(DataError::OtherScenario);
    }
    // Created and never committed, as when the process was killed first: there is no world to continue.
    if !about.contains_key(INCARNATION) {
        return Ok((database, None, commits));
    }
    // Directories of earlier versions have no such row.
    let environment_events =
        environment_events::read(about.get(ENVIRONMENT).map_or("", |events| events)).map_err(damaged)?;
    let header =
        WorldHeader { now: Instant(number(NOW)?), incarnation: number(INCARNATION)?, environment_events };
    let batches = rows::read(&database).map_err(damaged)?;
    Ok((database, Some(SavedWorld { header, batches }), commits))
}

/// The token that a batch records, if any.
fn token_entry((node, batch): &(NodeId, Batch)) -> Option<TokenEntry> {
    let (key, record) = batch.token.as_ref()?;
    Some((record.at, rows::token_row(*node, key)))
}

fn damaged(why: impl Display) -> DataError {
    DataError::Damaged(why.to_string())
}

fn about(database: &Database) -> Result<BTreeMap<String, String>, redb::Error> {
    let table = database.begin_read()?.open_table(ABOUT)?;
    let rows = table.iter()?.map(|row| {
        let (name, value) = row?;
        Ok((name.value().to_owned(), value.value().to_owned()))
    });
    rows.collect()
}

fn write(
    database: &Database,
    fill: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    // The two halves of a commit are flushed one after the other. Otherwise checksums alone would distinguish an
    // incomplete commit from a damaged one.
    transaction.set_two_phase_commit(true);
    fill(&transaction)?;
    Ok(transaction.commit()?)
}

/// Writes a transaction with the next number, and counts it.
fn write_counted(
    database: &Database,
    count: &mut CommitCount,
    fill: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    write(database, |transaction| {
        fill(transaction)?;
        number(transaction, count.next())
    })?;
    count.add().map_err(redb::Error::Io)
}

/// Numbers the commit of `transaction`.
fn number(transaction: &redb::WriteTransaction, number: u64) -> Result<(), redb::Error> {
    transaction.open_table(ABOUT)?.insert(COMMITS, &*number.to_string())?;
    Ok(())
}

/// Creates every table, with the format and the scenario as the only rows.
fn create_tables(transaction: &redb::WriteTransaction, set_up: &str) -> Result<(), redb::Error> {
    Rows::open(transaction)?;
    let mut about = transaction.open_table(ABOUT)?;
    about.insert("format", FORMAT)?;
    about.insert("scenario", set_up)?;
    Ok(())
}

/// Replaces `file` by `copy`, and flushes the entry of the directory: without that, a power failure could bring the
/// original back.
fn replace(copy: &Path, file: &Path) -> io::Result<()> {
    fs::rename(copy, file)?;
    let directory = file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    File::open(directory)?.sync_all()
}

fn remove(copy: &Path) {
    // There may be no copy.
    let _ = fs::remove_file(copy);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::{Response, TagResourceOutput};
    use crate::check::Simulation;
    use crate::control::records::{Cluster, Serial, TokenKey, TokenRecord};
    use crate::scenario::SetUp;
    use crate::sim::Options;
    use crate::types::Account;

    fn open(directory: &Path) -> (Store, Option<SavedWorld>) {
        let scenario = Scenario::of(SetUp::new(), Vec::new());
        Store::open(directory, &scenario).expect("a store")
    }

    /// A batch that records a token.
    fn token(token: &str, at: Instant) -> (NodeId, Batch) {
        let node = NodeId::ControlPlane(Region::US_EAST_1);
        let key = TokenKey { account: Account::DEFAULT, operation: None, token: token.to_owned().into() };
        let response = Arc::new(Response::TagResource(TagResourceOutput {}));
        let token = Some((key, TokenRecord { fingerprint: Default::default(), response, at }));
        (node, Batch { token, ..Batch::default() })
    }

    #[test]
    fn a_world_has_begun_after_a_commit_and_not_after_creation_or_a_reset() {
        let folder = tempfile::tempdir().expect("a folder");
        // The process may be killed before the first commit.
        for _ in 0..2 {
            assert!(open(folder.path()).1.is_none());
        }
        let mut store = open(folder.path()).0;
        let header = WorldHeader {
            now: Instant(7),
            incarnation: 3,
            environment_events: environment_events::read("us-east-1").expect("a Region"),
        };
        store.commit(header.clone(), &mut Vec::new()).expect("room");
        drop(store);
        let (mut store, saved) = open(folder.path());
        let saved = saved.expect("a world");
        assert_eq!((saved.header, saved.batches.len()), (header, 0));
        store.clear().expect("room");
        drop(store);
        assert!(open(folder.path()).1.is_none());
    }

    #[test]
    fn a_flipped_bit_after_a_kill_is_refused_or_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path()).0;
        for number in 1..=8 {
            let header = WorldHeader { now: Instant(number), incarnation: 0, environment_events: Vec::new() };
            store.commit(header, &mut vec![token(&number.to_string(), Instant(number))]).expect("room");
        }
        // What a process leaves that is killed: its files, and no word to the database.
        let [database, count] = [FILE, commit_count::NAME].map(|name| fs::read(folder.path().join(name)));
        let (database, count) = (database.expect("a file"), count.expect("a file"));
        let (mut refused, mut whole) = (0, 0);
        for turn in 0..1000_usize {
            // Half of the positions are in the head, which says where everything is; the others are anywhere.
            let most = if turn % 2 == 0 { 320 } else { database.len() };
            let bit = turn / 2 * 829_348_951 % (most * 8);
            let flipped = tempfile::tempdir().expect("a folder");
            let mut bytes = database.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(flipped.path().join(FILE), bytes).expect("room");
            fs::write(flipped.path().join(commit_count::NAME), &count).expect("room");
            let opened = Store::open(flipped.path(), &Scenario::of(SetUp::new(), Vec::new()));
            match opened {
                Err(StartError::Data { error: DataError::Damaged(_), .. }) => refused += 1,
                Ok((_, Some(saved))) if saved.batches.len() == 8 && saved.header.now == Instant(8) => {
                    whole += 1
                }
                other => panic!("bit {bit}: {:?}", other.map(|(_, saved)| saved)),
            }
        }
        assert!(refused > 50 && whole > 50, "{refused} refused, {whole} whole");
    }

    #[test]
    fn a_lost_commit_or_file_is_refused_and_a_commit_that_was_not_counted_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path()).0;
        let header = |now| WorldHeader { now: Instant(now), incarnation: 0, environment_events: Vec::new() };
        let refusal = |remedy: &dyn Fn()| {
            let refused = Store::open(folder.path(), &Scenario::of(SetUp::new(), Vec::new()));
            remedy();
            refused.map(|_| ()).expect_err("a refusal").to_string()
        };
        store.commit(header(1), &mut Vec::new()).expect("room");
        drop(store);
        let path = |name: &str| folder.path().join(name);
        let (earlier, count) = (fs::read(path(FILE)), fs::read(path(commit_count::NAME)));
        let (earlier, count) = (earlier.expect("a file"), count.expect("a file"));
        let mut store = open(folder.path()).0;
        store.commit(header(2), &mut Vec::new()).expect("room");
        drop(store);
        let later = fs::read(path(FILE)).expect("a file");
        fs::write(path(FILE), &earlier).expect("room");
        let put_back = || fs::write(path(FILE), &later).expect("room");
        assert!(refusal(&put_back).ends_with("of 3 commits, the last 1 are lost"));
        fs::remove_file(path(FILE)).expect("a file");
        assert!(refusal(&put_back).ends_with("dsql-sim.redb is missing"));
        fs::remove_file(path(commit_count::NAME)).expect("a file");
        let count_again = || fs::write(path(commit_count::NAME), &count).expect("room");
        assert!(refusal(&count_again).ends_with("dsql-sim.commits is missing"));
        // The process was killed between the commit and its count.
        assert_eq!(open(folder.path()).1.expect("a world").header.now, Instant(2));
    }

    #[test]
    fn a_directory_that_is_deleted_takes_no_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path()).0;
        fs::remove_file(folder.path().join(FILE)).expect("a file");
        let header = WorldHeader { now: Instant(1), incarnation: 0, environment_events: Vec::new() };
        let refused = store.commit(header, &mut Vec::new()).expect_err("a refusal");
        assert!(refused.to_string().contains("was removed while it was served"), "{refused}");
    }

    #[test]
    fn of_deleted_clusters_only_the_last_takes_a_row() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sim = Simulation::new(Options::new(1));
        let made = sim.client("ops").create_cluster(Region::US_EAST_1).send().expect("an answer");
        let record = sim.cluster(made.arn).expect("a cluster").clone();
        let header = WorldHeader { now: Instant(1), incarnation: 0, environment_events: Vec::new() };
        let write = |serial, record: Option<&Cluster>| {
            let cluster = Some((Account::DEFAULT, Serial(serial), record.cloned().map(Arc::new)));
            let node = NodeId::ControlPlane(Region::US_EAST_1);
            let batch = (node, Batch { cluster, ..Batch::default() });
            open(folder.path()).0.commit(header.clone(), &mut vec![batch]).expect("room");
            let saved = open(folder.path()).1.expect("a world").batches.into_iter();
            let rows =
                saved.filter_map(|(_, batch)| batch.cluster.map(|(_, serial, it)| (serial.0, it.is_some())));
            rows.collect::<Vec<_>>()
        };
        (1..=3).for_each(|serial| drop(write(serial, Some(&record))));
        assert_eq!(write(2, None), [(1, true), (3, true)]);
        assert_eq!(write(3, None), [(1, true), (3, false)]);
        assert_eq!(write(4, Some(&record)), [(1, true), (4, true)]);
        assert_eq!(write(1, None), [(4, true)]);
    }

    #[test]
    fn a_token_is_removed_once_it_has_expired_and_one_that_is_used_again_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let window = SetUp::new().assumptions.token_window;
        let at = |windows: u32, seconds: u64| {
            Instant::START.after(window * windows + Duration::from_secs(seconds))
        };
        let header = |now| WorldHeader { now, incarnation: 0, environment_events: Vec::new() };
        let mut store = open(folder.path()).0;
        let mut batches = vec![token("old", at(0, 1)), token("again", at(0, 2)), token("young", at(0, 9))];
        store.commit(header(at(0, 9)), &mut batches).expect("room");
        drop(store);
        // The same after the directory is opened again.
        let mut store = open(folder.path()).0;
        store.commit(header(at(1, 5)), &mut vec![token("again", at(1, 5))]).expect("room");
        drop(store);
        let saved = open(folder.path()).1.expect("a world");
        assert_eq!(saved.batches, [token("young", at(0, 9)), token("again", at(1, 5))]);
    }
}
