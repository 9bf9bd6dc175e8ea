//! Rules as text: TOML, as `docs/waf-rules.md` describes it.

mod table;
mod words;

use super::{Condition, Rule, RuleTest};
use crate::waf::{Ruleset, WafError};
use std::net::IpAddr;
use table::{Entry, Table};
use toml::de::DeTable;
use words::{EFFECTS, SEVERITIES, TRANSFORMS, class, operator, target, word};

/// This ruleset, and what the text adds to it and switches off.
pub(in crate::waf) fn read(text: &str, base: Ruleset) -> Result<Ruleset, WafError> {
    let document = DeTable::parse(text).map_err(|error| {
        let wrong = WafError::text(format!("this is no TOML: {}", error.message().trim()));
        table::at(text, &error.span().unwrap_or_default(), wrong)
    })?;
    let mut table = Table::new(text, document.get_ref(), document.span());
    let (level, off, rules) = (
        table.optional("level"),
        table.optional("off"),
        table.optional("rule"),
    );
    table.finish()?;
    let mut ruleset = base;
    if let Some(level) = level {
        let number = level.number()?;
        ruleset = ruleset
            .level(number)
            .map_err(|error| level.caused_by(error))?;
    }
    for entry in rules.into_iter().flat_map(Entry::list) {
        let table = entry.table()?;
        let rule = rule(entry.table()?)?;
        ruleset = ruleset.with(rule).map_err(|error| table.caused_by(error))?;
    }
    match off {
        Some(off) => switch_off(ruleset, off.table()?),
        None => Ok(ruleset),
    }
}

/// Last of all, so that a rule of the same text can be switched off, too.
fn switch_off(mut ruleset: Ruleset, mut table: Table<'_>) -> Result<Ruleset, WafError> {
    let (rules, tags, classes) = (
        table.optional("rules"),
        table.optional("tags"),
        table.optional("classes"),
    );
    table.finish()?;
    for entry in rules.into_iter().flat_map(Entry::list) {
        let without = ruleset.without(entry.text()?);
        ruleset = without.map_err(|error| entry.caused_by(error))?;
    }
    for entry in tags.into_iter().flat_map(Entry::list) {
        let without = ruleset.without_tag(entry.text()?);
        ruleset = without.map_err(|error| entry.caused_by(error))?;
    }
    for entry in classes.into_iter().flat_map(Entry::list) {
        ruleset = ruleset.without_class(class(entry)?);
    }
    Ok(ruleset)
}

fn rule(mut table: Table<'_>) -> Result<Rule, WafError> {
    let id = table.required("id")?;
    let mut rule = Rule::new(id.line()?, class(table.required("class")?)?)
        .named(table.required("name")?.line()?.to_owned());
    if let Some(severity) = table.optional("severity") {
        rule = rule.severity(word(severity, &SEVERITIES)?);
    }
    if let Some(level) = table.optional("level") {
        rule = rule.level(level.number()?);
    }
    if let Some(effect) = table.optional("effect") {
        rule = rule.effect(word(effect, &EFFECTS)?);
    }
    for tag in table.optional("tags").into_iter().flat_map(Entry::list) {
        rule = rule.tag(tag.line()?.to_owned());
    }
    let references = table.optional("references");
    for reference in references.into_iter().flat_map(Entry::list) {
        rule = rule.reference(reference.line()?.to_owned());
    }
    for when in table.required("when")?.list() {
        rule = rule.when(condition(when.table()?)?);
    }
    let tests = tests(table.required("tests")?.table()?)?;
    table.finish()?;
    Ok(tests.into_iter().fold(rule, Rule::test))
}

fn condition(mut table: Table<'_>) -> Result<Condition, WafError> {
    let mut targets = table.required("in")?.list();
    let first = targets.next();
    let first = first.ok_or_else(|| table.wrong("\"in\" is empty; name a target".into()))?;
    let mut condition = Condition::new(target(first)?, operator(&mut table)?);
    for other in targets {
        condition = condition.or_of(target(other)?);
    }
    for except in table.optional("except").into_iter().flat_map(Entry::list) {
        condition = condition.except(target(except)?);
    }
    for transform in table.optional("after").into_iter().flat_map(Entry::list) {
        condition = condition.after(word(transform, &TRANSFORMS)?);
    }
    if let Some(not) = table.optional("not") {
        not.flag()?;
        condition = condition.negated();
    }
    table.finish()?;
    Ok(condition)
}

/// The requests of a rule's own tests: of each kind one at least, for a rule that matches
/// nothing is misspelled, and one that matches everything is worse.
fn tests(mut table: Table<'_>) -> Result<Vec<RuleTest>, WafError> {
    let mut tests = Vec::new();
    for (name, must_match) in [("match", true), ("pass", false)] {
        let requests = table.required(name)?;
        let before = tests.len();
        for request in requests.list() {
            tests.push(test(request, must_match)?);
        }
        if tests.len() == before {
            return Err(requests.wrong(format!("{name:?} is empty; add a request")));
        }
    }
    table.finish()?;
    Ok(tests)
}

/// `GET /a?b=c`, or a table with headers and a body.
fn test(entry: Entry<'_>, must_match: bool) -> Result<RuleTest, WafError> {
    let new = if must_match {
        RuleTest::must_match
    } else {
        RuleTest::must_not_match
    };
    if !entry.is_table() {
        let request = entry.text()?.split_once(' ');
        let request = request.filter(|(_, target)| target.starts_with('/'));
        let (method, target) = request.ok_or_else(|| {
            entry.wrong("this is no request; write \"GET /a?b=c\", or a table".into())
        })?;
        return Ok(new(method, target));
    }
    let mut table = entry.table()?;
    let mut test = new(
        table.required("method")?.text()?,
        table.required("target")?.text()?,
    );
    if let Some(headers) = table.optional("headers") {
        for header in headers.table()?.texts() {
            let (name, value) = header?;
            test = test.header(name, value);
        }
    }
    if let Some(body) = table.optional("body") {
        test = test.body(body.text()?);
    }
    if let Some(client) = table.optional("client") {
        let text = client.text()?;
        let address: IpAddr = text
            .parse()
            .map_err(|_| client.wrong(format!("{text:?} is no address")))?;
        test = test.client_address(address);
    }
    table.finish()?;
    Ok(test)
}
