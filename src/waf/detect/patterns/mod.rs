//! Findings by regular expression: classes of attack whose syntax is a phrase or two.

mod callback;
mod cmd;
mod file;
mod java;
mod lines;
mod mail;
mod node;
mod nosql;
mod php;
mod script;
mod serialized;
mod sql;
mod ssi;
mod template;
mod xpath;

use super::Pattern;

const GROUPS: &[&[&Pattern]] = &[
    callback::PATTERNS,
    cmd::PATTERNS,
    file::PATTERNS,
    file::path::PATTERNS,
    java::PATTERNS,
    java::anywhere::PATTERNS,
    lines::PATTERNS,
    mail::PATTERNS,
    node::PATTERNS,
    nosql::PATTERNS,
    php::PATTERNS,
    script::PATTERNS,
    serialized::PATTERNS,
    template::PATTERNS,
    sql::PATTERNS,
    ssi::PATTERNS,
    xpath::PATTERNS,
    xpath::entity::PATTERNS,
];

const fn count() -> usize {
    let mut count = 0;
    let mut groups = GROUPS;
    while let [group, rest @ ..] = groups {
        count += group.len();
        groups = rest;
    }
    count
}

/// The patterns of all files here.
#[expect(clippy::indexing_slicing, reason = "while compiling")]
pub(super) static ALL: [&Pattern; count()] = {
    let mut all = [GROUPS[0][0]; count()];
    let (mut at, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].len() {
            all[at] = GROUPS[group][index];
            at += 1;
            index += 1;
        }
        group += 1;
    }
    all
};
