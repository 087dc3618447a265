//! What the administrator can do: plain functions behind whatever doors there are. Each takes an [`AdminCaller`], the
//! proof that the administrator asks, and notes what it changed.

pub mod api_keys;
pub mod apps;
pub mod audit;
pub mod clients;
pub mod keys;
pub mod password;
pub mod sessions;
pub mod users;

pub use sessions::AdminCaller;
