//! Answers of an authorization server, as a client reads them: what the specifications say is read, what servers are known
//! to send instead is read and written down as a [`Deviation`], and the rest is refused.
//!
//! An `error` wins over the status, any 2xx with a token is a success, and no member may occur twice.

mod body;
mod device;
mod failure;
mod introspection;
mod metadata;
mod pushed;
mod registration;
mod token;
mod userinfo;

pub use body::{Answer, Deviation, Reading, Strictness};
pub use device::DeviceAnswer;
pub use failure::{AnswerError, ErrorAnswer};
pub use introspection::IntrospectionAnswer;
pub use metadata::ServerMetadata;
pub use pushed::PushedAnswer;
pub use registration::RegistrationAnswer;
pub use token::TokenAnswer;
pub use userinfo::UserInfoAnswer;
