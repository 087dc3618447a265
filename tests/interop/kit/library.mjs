// Tables of an operator, as they could stand beside ours: references, a key of two columns, an owner, a view, odd names,
// and a column of every kind that the table API knows.

import { run } from "./program.mjs";

const COMMON = `
create table authors (id integer primary key, name varchar(20) not null unique);
create table "odd name/""x" ("a,b" text, n integer, primary key ("a,b", n));
`;

const SQLITE = `${COMMON}
create table books (id integer primary key, title text not null, pages integer, price real, sold boolean default false,
  author_id integer references authors (id), doc json, raw blob, born date);
create table notes (id integer primary key, owner_id text not null, text text);
create view titles as select title from books;
`;

const POSTGRES = `${COMMON}
create type mood as enum ('sad', 'ok');
create table books (id bigserial primary key, title text not null, pages smallint check (pages <> 7), price numeric(6, 2),
  sold boolean default false, author_id integer references authors (id), doc jsonb, raw bytea, born date, at timestamptz,
  took interval, tags text[], numbers integer[], feels mood, ratio real, place inet, span int4range, code char(3),
  twice integer generated always as (author_id * 2) stored);
create table notes (id uuid primary key default gen_random_uuid(), owner_id uuid not null, text text);
create view titles as select title from books;
`;

const OF_SQLITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.stdin.read())";

/** Makes the tables in a SQLite file, with the library of `python`. */
export const shelveInSqlite = (python, file) => run(python, ["-c", OF_SQLITE, file], { input: SQLITE });

/** Makes the tables in a PostgreSQL database. */
export const shelveInPostgres = (url) =>
  run("psql", [url, "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"], { input: POSTGRES });
