//! The rules of the crate, one case at a time, in one binary.

#[cfg(test)]
mod access;
#[cfg(test)]
mod api_key;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod bearer;
#[cfg(test)]
mod caller;
#[cfg(test)]
mod client_auth;
#[cfg(test)]
mod client_credentials;
#[cfg(test)]
mod code;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod limit;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod revoke;
