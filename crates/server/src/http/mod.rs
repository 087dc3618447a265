//! How requests come in and answers go out: the listener, what every request passes, and what handlers share.

pub mod client_ip;
pub mod cookie;
pub mod headers;
