//! Against servers that nobody here wrote. `tests/servers` starts them, and says where clients and people are to be had.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "outside/desk.rs"]
mod desk;
#[path = "outside/glewlwyd.rs"]
mod glewlwyd;
#[path = "outside/mcp.rs"]
mod mcp;
#[path = "outside/mock_server.rs"]
mod mock_server;
#[path = "outside/oidc_provider.rs"]
mod oidc_provider;
#[path = "outside/people.rs"]
mod people;
