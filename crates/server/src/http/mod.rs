//! How requests come in and answers go out: the listener, what every request passes, and what handlers share.

pub mod accept;
pub mod body;
mod capacity;
pub mod client_ip;
mod connection;
pub mod cookie;
pub mod cors;
pub mod csrf;
pub mod edge;
pub mod extract;
pub mod headers;
pub mod host;
pub mod layers;
pub mod listener;
mod outgoing;
mod pace;
pub mod request_id;
pub mod routes;
pub mod tls;
pub mod waiting;
