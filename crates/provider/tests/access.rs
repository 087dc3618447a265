//! What a scope and a list of tables allow.

use crate::kit::tables;
use ayb_protocol::error::ErrorCode;
use ayb_protocol::scope::ResourceScope;
use ayb_provider::access::{Access, Denied, Read, Write};

const READONLY: Denied = Denied::InsufficientScope { would_do: ResourceScope::Readonly };
const READWRITE: Denied = Denied::InsufficientScope { would_do: ResourceScope::Readwrite };

#[test]
fn the_scope_decides_what_and_the_list_decides_where() {
    use ResourceScope::{Full, Readonly, Readwrite};
    let other = Err(Denied::TableNotAllowed);
    // scope, tables, asked for, reading, writing
    for (scope, list, table, reads, writes) in [
        (None, "", "notes", Err(READONLY), Err(READWRITE)),
        (None, "notes", "notes", Err(READONLY), Err(READWRITE)),
        (None, "notes", "tags", Err(READONLY), Err(READWRITE)),
        (Some(Readonly), "", "notes", Ok(()), Err(READWRITE)),
        (Some(Readonly), "notes", "notes", Ok(()), Err(READWRITE)),
        (Some(Readonly), "notes", "tags", other, Err(READWRITE)),
        (Some(Readwrite), "", "notes", Ok(()), Ok(())),
        (Some(Readwrite), "notes,tags", "tags", Ok(()), Ok(())),
        (Some(Readwrite), "notes,tags", "people", other, other),
        (Some(Full), "", "notes", Ok(()), Ok(())),
        (Some(Full), "notes", "notes", Ok(()), Ok(())),
        (Some(Full), "notes", "tags", other, other),
    ] {
        let list = tables(list);
        let access = Access::new(scope, &list);
        let case = format!("{scope:?} {list:?} {table}");
        assert_eq!(access.permit::<Read>(table).map(drop), reads, "read, {case}");
        assert_eq!(access.permit::<Write>(table).map(drop), writes, "write, {case}");
    }
}

#[test]
fn a_person_may_do_everything_with_their_session() {
    let access = Access::everything();
    assert!(access.permit::<Read>("notes").is_ok() && access.permit::<Write>("anything").is_ok());
}

#[test]
fn a_name_that_is_nearly_on_the_list_is_not_on_it() {
    let list = tables("notes");
    let access = Access::new(Some(ResourceScope::Full), &list);
    for name in
        ["Notes", "NOTES", "note", "notes ", " notes", "notes\0", "public.notes", "\"notes\"", "", "*"]
    {
        assert_eq!(access.permit::<Read>(name).map(drop), Err(Denied::TableNotAllowed), "{name:?}");
    }
}

#[test]
fn a_permit_is_about_one_table_and_writing_implies_reading() {
    let list = tables("notes,tags");
    let access = Access::new(Some(ResourceScope::Readwrite), &list);
    assert_eq!(access.permit::<Write>("tags").expect("allowed").table(), "tags");
    assert_eq!(access.permit::<Read>("tags").expect("allowed").table(), "tags");
}

#[test]
fn a_refusal_names_the_scope_that_would_do_if_one_would() {
    for (denied, scope, code) in [
        (READONLY, Some("readonly"), ErrorCode::InsufficientScope),
        (READWRITE, Some("readwrite"), ErrorCode::InsufficientScope),
        (Denied::TableNotAllowed, None, ErrorCode::InsufficientScope),
        (Denied::AnotherAudience, None, ErrorCode::InvalidToken),
    ] {
        assert_eq!((denied.scope(), denied.refusal().code), (scope, code), "{denied:?}");
    }
}
