//! The detectors: pure functions over one view, each linear in its length.

mod call;
mod documents;
mod html;
mod lines;
mod macros;
mod names;
mod path;
mod patterns;
mod sampled;
mod scanner;
mod script;
mod shell;
mod sql;
mod text;
mod upload;
mod url;

use super::signal::{Finding, Signals};
use super::view::{Places, View};

/// A detector and when to call it.
///
/// It is called for a view whose place is among `places`, and that holds one of `bytes` or one
/// of `literals` (ASCII, compared without case). Both lists together must be complete: a view
/// that triggers none of them cannot hold a finding. Bytes should be rare in benign values;
/// literals may be as many as needed, for all of all detectors are one automaton.
///
/// What it costs is charged to the request: `cost` for each byte of the view, and what hangs on
/// what the view says by [`Signals::spend`], for each token, tag or command. A detector stops
/// where nothing is left to spend, and the request is refused.
#[derive(Debug)]
pub(crate) struct Detector {
    pub(crate) findings: &'static [&'static Finding],
    pub(crate) places: Places,
    pub(crate) bytes: &'static [u8],
    pub(crate) literals: &'static [&'static str],
    /// Steps for each byte, whatever it is.
    pub(crate) cost: usize,
    pub(crate) run: fn(&View<'_>, &mut Signals),
}

/// A finding by a regular expression, for what is too small for a detector of its own. The
/// pattern is of the `regex` crate's `bytes` kind, with `(?i-u)` in front. Every match holds
/// one of `literals`; without literals it is tried on every view that is not plain.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) finding: Finding,
    pub(crate) places: Places,
    pub(crate) literals: &'static [&'static str],
    pub(crate) pattern: &'static str,
}

/// Every detector of the builtin ruleset.
pub(crate) static DETECTORS: &[&Detector] = &[
    &sql::DETECTOR,
    &html::DETECTOR,
    &script::DETECTOR,
    &shell::DETECTOR,
    &path::DETECTOR,
    &url::DETECTOR,
    &upload::DETECTOR,
    &call::DETECTOR,
    lines::HEADER,
    lines::MAIL,
    names::NOSQL,
    names::PROTOTYPE,
    names::LOOKUP,
    names::SESSION,
    documents::XML,
    documents::GRAPHQL,
    documents::LDAP,
    &scanner::DETECTOR,
];

/// Every pattern of the builtin ruleset.
pub(crate) static PATTERNS: &[&Pattern] = &patterns::ALL;
