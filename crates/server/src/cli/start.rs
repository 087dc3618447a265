//! `ayb start`: flags of the server.

use std::net::IpAddr;

use clap::Args;

use crate::config::{Override, Sources};

/// Flags of `ayb start`.
#[derive(Args, Clone, Debug)]
pub struct StartFlags {
    /// Port to listen on
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Address to listen on; 0.0.0.0 or :: for every network of the machine
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub host: Option<IpAddr>,
    /// Start with a demonstration app, client and user
    #[arg(long)]
    pub demo: bool,
}

impl StartFlags {
    /// Adds the flags to the sources of the configuration.
    pub fn add_to(&self, sources: &mut Sources) {
        let port = self.port.map(|port| ("server.port", port.to_string(), "--port"));
        let host = self.host.map(|host| ("server.host", host.to_string(), "--host"));
        let given = port.into_iter().chain(host);
        sources.overrides.extend(given.map(|(key, text, flag)| Override { key, text, flag }));
    }
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    let address = if text == "localhost" { "127.0.0.1" } else { text };
    address.parse().map_err(|_| "an IP address such as 127.0.0.1, 0.0.0.0 or ::")
}
