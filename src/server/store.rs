//! What nodes have in storage, on a real disk.
//!
//! One file of a data directory holds what is in the storage of every node, by the keys under which the nodes keep it;
//! records are JSON. Writes that became durable in the world are committed here, flushed to the disk, before any answer
//! behind them leaves. The directory is locked as long as a process is using it.
//!
//! A directory that is not right is refused and left as it is: what is opened, checked and repaired is a copy, which
//! takes the place of the original only when all of it could be read.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::cluster::Serial;
use crate::control::durable::Batch;
use crate::region::Region;
use crate::scenario::Scenario;
use crate::types::{Account, Instant, NodeId};

use super::Refused;

/// Where what nodes wrote is kept.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
    /// What the world began with.
    set_up: String,
    /// Locked as long as it is open.
    _lock: File,
}

/// What a former life wrote.
#[derive(Debug)]
pub(super) struct Saved {
    /// What time it was.
    pub(super) now: Instant,
    /// How many lives there were before that one.
    pub(super) life: u64,
    /// What nodes wrote.
    pub(super) written: Vec<(NodeId, Batch)>,
}

/// Format, set-up, time and life.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
/// Clusters by Region, account and place; `null` for one that is gone.
const CLUSTERS: TableDefinition<'_, (&str, &str, u64), &[u8]> = TableDefinition::new("clusters");
/// Token records by Region and token.
const TOKENS: TableDefinition<'_, (&str, &[u8]), &[u8]> = TableDefinition::new("tokens");
/// Acceptors by Region, whether it is the witness node there, and register.
const REGISTERS: TableDefinition<'_, (&str, bool, &[u8]), &[u8]> = TableDefinition::new("registers");

const FORMAT: &str = "dsql-sim 1";
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
    pub(super) fn open(directory: &Path, scenario: &Scenario) -> Result<(Store, Option<Saved>), Refused> {
        let refused = |why: String| Refused::Data { directory: directory.to_owned(), why };
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
        Ok((Store { database, set_up, _lock: lock }, saved))
    }

    /// Keeps `written`, oldest first, and leaves nothing of it.
    ///
    /// # Errors
    /// It may not be kept.
    pub(super) fn keep(
        &self,
        now: Instant,
        life: u64,
        written: &mut Vec<(NodeId, Batch)>,
    ) -> Result<(), Refused> {
        if written.is_empty() {
            return Ok(());
        }
        write(&self.database, |transaction| {
            let mut clusters = transaction.open_table(CLUSTERS)?;
            let mut tokens = transaction.open_table(TOKENS)?;
            let mut registers = transaction.open_table(REGISTERS)?;
            for (node, batch) in written.drain(..) {
                let region = node.region().map_or("", Region::name);
                if let Some((account, serial, record)) = &batch.cluster {
                    clusters.insert((region, &*account.to_string(), serial.0), &*json(record))?;
                }
                match &batch.token {
                    Some((key, Some(record))) => drop(tokens.insert((region, &*json(key)), &*json(record))?),
                    Some((key, None)) => drop(tokens.remove((region, &*json(key)))?),
                    None => {}
                }
                let is_witness = matches!(node, NodeId::Witness(_));
                match batch.register.as_deref() {
                    Some((key, Some(acceptor))) => {
                        registers.insert((region, is_witness, &*json(key)), &*json(acceptor))?;
                    }
                    Some((key, None)) => drop(registers.remove((region, is_witness, &*json(key)))?),
                    None => {}
                }
            }
            say(transaction, &self.set_up, now, life)
        })
        .map_err(Refused::Kept)
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// It may not be forgotten.
    pub(super) fn clear(&self) -> Result<(), Refused> {
        write(&self.database, |transaction| {
            transaction.delete_table(CLUSTERS)?;
            transaction.delete_table(TOKENS)?;
            transaction.delete_table(REGISTERS)?;
            say(transaction, &self.set_up, Instant::START, 0)
        })
        .map_err(Refused::Kept)
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
    write(&database, |transaction| say(transaction, set_up, Instant::START, 0))
        .map_err(|error| error.to_string())?;
    Ok((database, None))
}

fn reopen(file: &Path, copy: &Path, set_up: &str) -> Result<(Database, Option<Saved>), String> {
    fs::copy(file, copy).map_err(|error| error.to_string())?;
    let damaged = |error: redb::Error| format!("its data are damaged: {error}");
    let database = Builder::new()
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true)
        .open(copy)
        .map_err(|error| damaged(error.into()))?;
    let saved = read(&database, set_up)?;
    Ok((database, Some(saved)))
}

fn read(database: &Database, set_up: &str) -> Result<Saved, String> {
    let damaged = |error: redb::Error| format!("its data are damaged: {error}");
    let about = |name: &str| -> Result<String, String> {
        let get = || -> Result<Option<String>, redb::Error> {
            let table = database.begin_read()?.open_table(ABOUT)?;
            Ok(table.get(name)?.map(|value| value.value().to_owned()))
        };
        get().map_err(damaged)?.ok_or_else(|| format!("its data are damaged: {name} is missing"))
    };
    let format = about("format")?;
    if format != FORMAT {
        return Err(format!("its data are of the format {format:?}, and this version knows {FORMAT:?}"));
    }
    if about("scenario")? != set_up {
        return Err("it began with another scenario or seed".to_owned());
    }
    let number = |name: &str| about(name)?.parse::<u64>().map_err(|error| format!("{name}: {error}"));
    Ok(Saved {
        now: Instant(number("now")?),
        life: number("life")?,
        written: records(database).map_err(|error| format!("its data are damaged: {error}"))?,
    })
}

fn records(database: &Database) -> Result<Vec<(NodeId, Batch)>, Box<dyn std::error::Error>> {
    let transaction = database.begin_read()?;
    let region = |name: &str| Region::parse(name).ok_or_else(|| format!("{name:?} is no Region"));
    let mut written = Vec::new();
    let tables: Vec<String> = {
        use redb::TableHandle;
        transaction.list_tables()?.map(|table| table.name().to_owned()).collect()
    };
    let has = |name: &str| tables.iter().any(|known| known == name);
    if has("clusters") {
        for row in transaction.open_table(CLUSTERS)?.iter()? {
            let (key, value) = row?;
            let (place, account, serial) = key.value();
            let account = Account::parse(account).ok_or_else(|| format!("{account:?} is no account"))?;
            let cluster = Some((account, Serial(serial), of_json(value.value())?));
            written.push((NodeId::ControlPlane(region(place)?), Batch { cluster, ..Batch::default() }));
        }
    }
    if has("tokens") {
        for row in transaction.open_table(TOKENS)?.iter()? {
            let (key, value) = row?;
            let (place, token) = key.value();
            let token = Some((of_json(token)?, Some(of_json(value.value())?)));
            written.push((NodeId::ControlPlane(region(place)?), Batch { token, ..Batch::default() }));
        }
    }
    if has("registers") {
        for row in transaction.open_table(REGISTERS)?.iter()? {
            let (key, value) = row?;
            let (place, is_witness, register) = key.value();
            let place = region(place)?;
            let node = if is_witness { NodeId::Witness(place) } else { NodeId::ControlPlane(place) };
            let register = Some(Box::new((of_json(register)?, Some(of_json(value.value())?))));
            written.push((node, Batch { register, ..Batch::default() }));
        }
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

fn say(
    transaction: &redb::WriteTransaction,
    set_up: &str,
    now: Instant,
    life: u64,
) -> Result<(), redb::Error> {
    let mut about = transaction.open_table(ABOUT)?;
    about.insert("format", FORMAT)?;
    about.insert("scenario", set_up)?;
    about.insert("now", &*now.0.to_string())?;
    about.insert("life", &*life.to_string())?;
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
