//! What is kept of the logins with providers.

mod keep;
mod kept_login;
mod orders;
mod renewal;

pub use keep::Logins;
pub use kept_login::KeptLogin;
