//! The account API under `/api/auth`: sign up, sign in, stay signed in, recover. One file an operation.

pub mod api_keys;
mod delete_me;
mod forgot_password;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod resend_verification;
mod reset_password;
pub mod session;
pub mod user;
mod verify_email;

pub use delete_me::delete_me;
pub use forgot_password::{ForgottenPassword, forgot_password};
pub use login::{Login, login};
pub use logout::logout;
pub use me::me;
pub use refresh::refresh;
pub use register::{Registration, register};
pub use resend_verification::resend_verification;
pub use reset_password::{PasswordReset, reset_password};
pub use verify_email::{EmailVerification, verify_email};
