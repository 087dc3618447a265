//! The provider, as clients, browsers and attackers meet it.

mod smoke;
