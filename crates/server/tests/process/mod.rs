//! The real binary, as operators meet it: killed, starved, doubled, stopped, and started wrongly.
//!
//! Every test starts `ayb` in folders of its own, talks to it over loopback, and waits for what it expects, never for a
//! time to pass.

#![cfg(all(test, unix))]

mod alone;
mod binary;
mod caller;
mod clock;
mod command_line;
mod connections;
mod demo;
mod disk;
mod kill;
mod outage;
mod purge;
mod refusals;
mod stop;
mod traffic;
mod twins;
