//! The HTTP edge from outside: real sockets, hostile peers.

#![cfg(test)]

mod connections;
mod drain;
mod edge;
mod frames;
mod kit;
mod log;
mod takers;
mod tls;
