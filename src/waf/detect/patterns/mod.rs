//! Findings by regular expression: classes of attack whose syntax is a phrase or two.

mod cmd;
mod header;
mod java;
mod ldap;
mod mail;
mod node;
mod nosql;
mod php;
mod template;
mod xml;

use super::Pattern;

/// The patterns of all files here.
pub(super) static ALL: &[&[&Pattern]] = &[
    cmd::PATTERNS, header::PATTERNS, java::PATTERNS, ldap::PATTERNS, mail::PATTERNS, node::PATTERNS, nosql::PATTERNS, php::PATTERNS, php::upload::PATTERNS, template::PATTERNS, xml::PATTERNS,
];
