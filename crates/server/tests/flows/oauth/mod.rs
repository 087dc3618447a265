//! The provider, as clients, browsers and attackers meet it.

mod authorize;
mod authorize_address;
mod consent;
mod smoke;
