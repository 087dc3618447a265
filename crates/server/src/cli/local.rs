//! Where the server is that the configuration here describes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use url::Url;

use super::context::Context;
use super::process;

/// The server of this configuration, as it is reached from this machine.
pub struct Local {
    /// Its address.
    pub url: String,
    /// Where the name in that address is, whatever the network says.
    pub at: Option<(String, SocketAddr)>,
}

/// Reads it off what the running server has written down, and off the configuration where none has.
pub fn of(context: &Context<'_>) -> Local {
    let settings = context.local_settings();
    let text = |key| settings.setting(key).map(|found| found.value.to_string());
    let port = text("server.port").and_then(|port| port.parse().ok()).unwrap_or(8090);
    let host =
        text("server.host").and_then(|host| host.parse().ok()).map_or(Ipv4Addr::LOCALHOST.into(), reachable);
    let configured = SocketAddr::new(host, port);
    let folder = text("server.data_dir").unwrap_or_default();
    let running = process::holder(Path::new(&folder)).ok().flatten().and_then(|holder| holder.address);
    let at = running.map_or(configured, |at| SocketAddr::new(reachable(at.ip()), at.port()));
    if text("server.tls_cert_file").is_none() {
        return Local { url: format!("http://{at}"), at: None };
    }
    // The certificate is for the name that others use, and not for the number.
    let public = text("server.public_url").and_then(|url| Url::parse(&url).ok());
    let name = public.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    Local { url: format!("https://{name}:{}", at.port()), at: Some((name.to_owned(), at)) }
}

/// An address that stands for all of a machine's is reached by loopback.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}
