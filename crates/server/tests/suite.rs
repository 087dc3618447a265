//! Tests of the server from outside: one program, one module a subject.

mod cli;
mod flows;
mod http;
mod kit;
mod process;
