//! Logging in with a real provider (`tests/idp`), and what goes wrong there.

mod answers;
mod attacks;
mod flow;
pub(crate) mod http;
pub(crate) mod idp;
mod logout;
mod pages;
pub(crate) mod rp;
mod upkeep;
