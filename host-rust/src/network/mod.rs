//! The network of a session: what it may reach, and who carries its exchanges out.
//!
//! A session has no network unless [`SessionBuilder::network`](crate::SessionBuilder::network) gives it one. Nothing in
//! the sandbox opens a connection: `curl`, `wget` and the rest ask for whole exchanges of HTTP, and a [`Network`] decides
//! on each of them, and on every redirect anew.

mod address;
mod exchange;
mod policy;
mod roots;

pub(crate) use exchange::Exchanges;
pub use policy::{Access, Decision, Network, Rule, RuleError};
pub use roots::{Roots, TrustError};
