//! Parameters of SQLite's statements.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::Statement;
use rusqlite::types::Null;

use crate::db::Value;

/// Where the text of a statement of the code is, and how long it is.
type Text = (*const u8, usize);

thread_local! {
    /// Which parameter stands at which place, for statements of the code that ran on this thread.
    static PLACES: RefCell<HashMap<Text, Box<[usize]>>> = RefCell::default();
}

/// Binds the parameters of a statement of the code, whose places are asked for once.
pub(super) fn bind_known(
    statement: &mut Statement<'_>,
    sql: &'static str,
    params: &[Value],
) -> Result<(), rusqlite::Error> {
    PLACES.with_borrow_mut(|known| {
        let numbers = match known.entry((sql.as_ptr(), sql.len())) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(places(statement, params.len())?),
        };
        bind_at(statement, numbers, params)
    })
}

/// Binds the parameters of a statement with a text of its own.
pub(super) fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), rusqlite::Error> {
    let numbers = places(statement, params.len())?;
    bind_at(statement, &numbers, params)
}

/// The numbers of `$1`, `$2`, … in the order in which SQLite numbers them, which is that of their first appearance.
fn places(statement: &Statement<'_>, given: usize) -> Result<Box<[usize]>, rusqlite::Error> {
    let count = statement.parameter_count();
    let number = |index| statement.parameter_name(index)?.get(1..)?.parse::<usize>().ok();
    let wrong = || rusqlite::Error::InvalidParameterCount(given, count);
    (1..=count).map(|index| number(index).ok_or_else(wrong)).collect()
}

fn bind_at(
    statement: &mut Statement<'_>,
    numbers: &[usize],
    params: &[Value],
) -> Result<(), rusqlite::Error> {
    let wrong = || rusqlite::Error::InvalidParameterCount(params.len(), numbers.len());
    for (index, number) in (1..).zip(numbers) {
        let value = params.get(number.wrapping_sub(1)).ok_or_else(wrong)?;
        bind_one(statement, index, value)?;
    }
    Ok(())
}

fn bind_one(statement: &mut Statement<'_>, index: usize, value: &Value) -> Result<(), rusqlite::Error> {
    match value {
        Value::Null => statement.raw_bind_parameter(index, Null),
        Value::Int(number) => statement.raw_bind_parameter(index, number),
        Value::Real(number) => statement.raw_bind_parameter(index, number),
        Value::Bool(flag) => statement.raw_bind_parameter(index, flag),
        Value::Text(text) | Value::Json(text) => statement.raw_bind_parameter(index, text),
        Value::Uuid(id) => statement.raw_bind_parameter(index, id.as_bytes().as_slice()),
        Value::Uuids(_) => Err(rusqlite::Error::InvalidParameterName("several identifiers".to_owned())),
        Value::Time(time) => statement.raw_bind_parameter(index, time.as_millis()),
        Value::List(list) => {
            let json = serde_json::Value::from(list.as_slice()).to_string();
            statement.raw_bind_parameter(index, json)
        }
        Value::Bytes(bytes) | Value::Hex(_, bytes) => statement.raw_bind_parameter(index, bytes),
    }
}
