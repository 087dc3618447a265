//! Doubles for tests: an authorization server in the same process, with a clock that is moved by hand and faults on order, and
//! parts that fail when they are told to.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use ayb_client::mock::{Fault, TestAuthServer};
//! use ayb_client::{Endpoint, OAuth2Client as _};
//!
//! let idp = TestAuthServer::start();
//! let client = idp.confidential("svc").build().unwrap();
//! idp.next(Endpoint::Token, Fault::Status(503));
//! let token = client.client_credentials().request_token(None).await.unwrap();
//! assert_eq!(idp.requests(Endpoint::Token).len(), 2);
//! # }
//! ```
//!
//! Every secret that the server makes begins with [`CANARY`]: a test can look for it where it must not be.

mod answer;
mod dpop;
mod fault;
mod introspection;
mod parts;
mod registration;
mod server;
mod state;
mod token_endpoint;
mod transport;
mod validator;
mod ways;

pub use fault::Fault;
pub use parts::{FailingStorage, ScriptedTransport};
pub use server::{Recorded, TestAuthServer};
pub use validator::MockJwtValidator;

/// What every secret of the test server begins with.
pub const CANARY: &str = "canary-";
