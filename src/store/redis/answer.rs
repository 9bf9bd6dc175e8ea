//! What servers answer, as what the contract speaks of.

use super::failure::Failure;
use crate::store::{Count, OwnedEntry, OwnedPut, Swap};
use bytes::Bytes;
use redis::Value;
use std::time::Duration;

pub(super) fn bytes(value: Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(Failure::corrupt()),
    }
}

/// A value, or nothing.
pub(super) fn maybe(value: Value) -> Result<Option<Bytes>, Failure> {
    match value {
        Value::Nil => Ok(None),
        value => Ok(Some(bytes(value)?.into())),
    }
}

/// `OK`, or nothing: what a conditional command answers.
pub(super) fn done(value: &Value) -> Result<bool, Failure> {
    match value {
        Value::Okay => Ok(true),
        Value::Nil => Ok(false),
        _ => Err(Failure::corrupt()),
    }
}

pub(super) fn number(value: &Value) -> Result<u64, Failure> {
    match value {
        Value::Int(number) => u64::try_from(*number).map_err(|_| Failure::corrupt()),
        _ => Err(Failure::corrupt()),
    }
}

fn items(value: Value) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(Failure::corrupt()),
    }
}

pub(super) fn swap(value: Value) -> Result<Swap, Failure> {
    match value {
        Value::Int(1) => Ok(Swap::Swapped),
        value => Ok(Swap::Conflict(maybe(value)?)),
    }
}

pub(super) fn count(value: Value) -> Result<Count, Failure> {
    let mut items = items(value)?.into_iter();
    match (items.next(), items.next()) {
        (Some(count), Some(left)) => Ok(Count::new(
            number(&count)?,
            Duration::from_millis(number(&left)?),
        )),
        _ => Err(Failure::corrupt()),
    }
}

pub(super) fn owned_put(value: Value) -> Result<OwnedPut, Failure> {
    if value == Value::Nil {
        return Ok(OwnedPut::LimitReached);
    }
    let ids = items(value)?.into_iter().map(bytes);
    let evicted = ids
        .map(|id| id.map(Bytes::from))
        .collect::<Result<_, _>>()?;
    Ok(OwnedPut::Stored { evicted })
}

pub(super) fn owned_entries(value: Value) -> Result<Vec<OwnedEntry>, Failure> {
    let mut items = items(value)?.into_iter();
    let mut entries = Vec::with_capacity(items.len() / 3);
    while let (Some(id), Some(value), Some(left)) = (items.next(), items.next(), items.next()) {
        let remaining = Duration::from_micros(number(&left)?);
        let (id, value) = (bytes(id)?.into(), bytes(value)?.into());
        entries.push(OwnedEntry::new(id, value, remaining));
    }
    Ok(entries)
}
