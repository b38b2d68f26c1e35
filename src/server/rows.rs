//! The rows of the data directory: the records of every node, in one table for each kind.

use std::error::Error;

use redb::{
    Database, ReadableDatabase, ReadableTable, StorageError, Table, TableDefinition, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::records::{Batch, Cluster, Serial, TokenKey, TokenWrite};
use crate::region::Region;
use crate::types::{Account, NodeId};

/// The tables, open for writing.
pub(super) struct Rows<'a> {
    clusters: Table<'a, ClusterRow<'static>, &'static [u8]>,
    tokens: Table<'a, (&'static str, &'static [u8]), &'static [u8]>,
    registers: Table<'a, (&'static str, bool, &'static [u8]), &'static [u8]>,
}

/// The key of a token's row: its Region, and the key of the token as JSON.
pub(super) type TokenRow = (&'static str, Vec<u8>);

impl<'a> Rows<'a> {
    /// The tables, which are created if they do not exist.
    pub(super) fn open(transaction: &'a WriteTransaction) -> Result<Rows<'a>, redb::Error> {
        Ok(Rows {
            clusters: transaction.open_table(CLUSTERS)?,
            tokens: transaction.open_table(TOKENS)?,
            registers: transaction.open_table(REGISTERS)?,
        })
    }

    /// Deletes every row.
    pub(super) fn delete(transaction: &WriteTransaction) -> Result<(), redb::Error> {
        transaction.delete_table(CLUSTERS)?;
        transaction.delete_table(TOKENS)?;
        transaction.delete_table(REGISTERS)?;
        Ok(())
    }

    /// Writes the records of a batch of `node`.
    pub(super) fn write(&mut self, node: NodeId, batch: &Batch) -> Result<(), redb::Error> {
        let region = region_of(node);
        if let Some((account, serial, record)) = &batch.cluster {
            self.write_cluster((region, &account.to_string(), serial.0), record.as_deref())?;
        }
        if let Some((key, record)) = &batch.token {
            self.tokens.insert((region, &*json(key)), &*json(record))?;
        }
        if let Some((key, acceptor)) = batch.register.as_deref() {
            let is_witness = matches!(node, NodeId::Witness(_));
            self.registers.insert((region, is_witness, &*json(key)), &*json(acceptor))?;
        }
        Ok(())
    }

    /// Removes the record of a token.
    pub(super) fn remove_token(&mut self, (region, token): &TokenRow) -> Result<(), redb::Error> {
        self.tokens.remove((*region, &**token))?;
        Ok(())
    }

    /// Writes the record of a cluster, `None` if it was deleted. Of the deleted ones only the last has a row, so that
    /// the file does not grow with their number, and no serial is used again.
    fn write_cluster(&mut self, key: ClusterRow<'_>, record: Option<&Cluster>) -> Result<(), StorageError> {
        let (region, account, serial) = key;
        let later = (region, account, serial + 1)..=(region, account, u64::MAX);
        let is_last = self.clusters.range(later)?.next().is_none();
        if record.is_none() && !is_last {
            self.clusters.remove(key)?;
            return Ok(());
        }
        let before = (region, account, serial.saturating_sub(1));
        if self.clusters.get(before)?.is_some_and(|row| row.value() == DELETED) {
            self.clusters.remove(before)?;
        }
        self.clusters.insert(key, &*json(&record))?;
        Ok(())
    }
}

/// The key of the row of `token`, which `node` has recorded.
pub(super) fn token_row(node: NodeId, token: &TokenKey) -> TokenRow {
    (region_of(node), json(token))
}

/// All records, each as a batch of its node.
pub(super) fn read(database: &Database) -> Result<Vec<(NodeId, Batch)>, Box<dyn Error>> {
    let transaction = database.begin_read()?;
    let mut batches = Vec::new();
    for row in transaction.open_table(CLUSTERS)?.iter()? {
        let (key, value) = row?;
        let (region_name, account, serial) = key.value();
        let account = Account::parse(account).ok_or_else(|| format!("invalid account {account:?}"))?;
        let cluster = Some((account, Serial(serial), of_json(value.value())?));
        batches.push((NodeId::ControlPlane(region(region_name)?), Batch { cluster, ..Batch::default() }));
    }
    let mut tokens: Vec<(NodeId, TokenWrite)> = Vec::new();
    for row in transaction.open_table(TOKENS)?.iter()? {
        let (key, value) = row?;
        let (region_name, token) = key.value();
        let token = (of_json(token)?, of_json(value.value())?);
        tokens.push((NodeId::ControlPlane(region(region_name)?), token));
    }
    // The table is sorted by token, but tokens expire in the order in which they were recorded.
    tokens.sort_by_key(|(_, (_, record))| record.at);
    batches.extend(
        tokens.into_iter().map(|(node, token)| (node, Batch { token: Some(token), ..Batch::default() })),
    );
    for row in transaction.open_table(REGISTERS)?.iter()? {
        let (key, value) = row?;
        let (region_name, is_witness, register) = key.value();
        let region = region(region_name)?;
        let node = if is_witness { NodeId::Witness(region) } else { NodeId::ControlPlane(region) };
        let register = Some(Box::new((of_json(register)?, of_json(value.value())?)));
        batches.push((node, Batch { register, ..Batch::default() }));
    }
    Ok(batches)
}

/// The Region called `name`.
pub(super) fn region(name: &str) -> Result<Region, String> {
    Region::parse(name).ok_or_else(|| format!("unknown Region {name:?}"))
}

/// Region, account and serial.
type ClusterRow<'a> = (&'a str, &'a str, u64);

/// Clusters; `null` for a deleted one.
const CLUSTERS: TableDefinition<'_, ClusterRow<'static>, &[u8]> = TableDefinition::new("clusters");

/// The row of a deleted cluster.
const DELETED: &[u8] = b"null";

/// Token records by Region and token.
const TOKENS: TableDefinition<'_, (&str, &[u8]), &[u8]> = TableDefinition::new("tokens");

/// Acceptors by Region, whether the node is the witness node, and register.
const REGISTERS: TableDefinition<'_, (&str, bool, &[u8]), &[u8]> = TableDefinition::new("registers");

fn region_of(node: NodeId) -> &'static str {
    node.region().map_or("", Region::name)
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a record is JSON")
}

fn of_json<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes)
}
