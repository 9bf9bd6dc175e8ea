use super::error::{Problem, told};
use super::index::ScopeIndex;
use super::policies::Snapshot;
use super::rule::{self, Rule};
use super::{CedarPolicies, LoadError, TemplateLink, cost, depth};
use crate::authz::abac::{self, Version};
use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    Policy, PolicyId, PolicySet, PolicySetError, Schema, SchemaFragment, Template, ValidationMode,
    Validator,
};
use hashbrown::HashMap;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

/// Reads policies, checks them, and indexes them.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is read before `build`"]
pub struct CedarPoliciesBuilder {
    texts: Vec<(String, String)>,
    schema: SchemaFrom,
    links: Vec<TemplateLink>,
}

#[derive(Clone, Debug, Default)]
enum SchemaFrom {
    #[default]
    Missing,
    Text(String, String),
    None,
}

/// The name of a text that has none.
const UNNAMED: &str = "";

impl CedarPoliciesBuilder {
    /// Adds policies in Cedar's language. They are called by their `@id("...")`; those without
    /// one `policy0`, `policy1` and on, as Cedar does.
    pub fn text(self, policies: impl Into<String>) -> Self {
        self.file(UNNAMED, policies)
    }

    /// Adds policies of a file of this name, which stands in errors. Those without an
    /// `@id("...")` are called `documents.cedar#0`, `documents.cedar#1` and on.
    pub fn file(mut self, name: impl Into<String>, policies: impl Into<String>) -> Self {
        self.texts.push((name.into(), policies.into()));
        self
    }

    /// What the policies are checked against: a schema in Cedar's format, or in its JSON
    /// format.
    pub fn schema(self, schema: impl Into<String>) -> Self {
        self.schema_file("schema", schema)
    }

    pub(super) fn schema_file(mut self, name: &str, schema: impl Into<String>) -> Self {
        self.schema = SchemaFrom::Text(name.to_owned(), schema.into());
        self
    }

    /// Takes policies unchecked: a misspelled attribute is then an error at each request, and
    /// the policy it stands in does nothing, or keeps everything from being allowed.
    pub fn insecure_without_schema(mut self) -> Self {
        self.schema = SchemaFrom::None;
        self
    }

    /// Adds a policy that is a template with its slots filled.
    pub fn link(mut self, link: TemplateLink) -> Self {
        self.links.push(link);
        self
    }

    /// Adds several.
    pub fn links(mut self, links: impl IntoIterator<Item = TemplateLink>) -> Self {
        self.links.extend(links);
        self
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    /// When anything is wrong: then nothing of it is taken. Errors name the file, the line and
    /// the policy.
    pub fn build(self) -> Result<CedarPolicies, LoadError> {
        depth::with_stack(|| self.read())
    }

    fn read(self) -> Result<CedarPolicies, LoadError> {
        self.check_len()?;
        let version = self.version();
        let schema = self.schema.read()?;
        let mut gathered = Gathered::default();
        for (file, text) in &self.texts {
            gathered.read(file, text)?;
        }
        for link in &self.links {
            gathered.link(link)?;
        }
        gathered.check_count(&self.texts)?;
        // Before anything is asked of trees that are too deep for it.
        let rules = gathered.rules(&self.texts)?;
        let warnings = match &schema {
            Some(schema) => gathered.validate(schema, &self.texts)?,
            None => Vec::new(),
        };
        let index = ScopeIndex::new(&gathered.set)?;
        Ok(CedarPolicies::new(Snapshot {
            set: gathered.set,
            index,
            step_up_permits: step_up_permits(&rules),
            rules,
            schema,
            schema_text: self.schema.into_text(),
            warnings,
            version,
        }))
    }

    fn check_len(&self) -> Result<(), LoadError> {
        let schema = match &self.schema {
            SchemaFrom::Text(name, text) => Some((name, text)),
            _ => None,
        };
        let texts = self.texts.iter().map(|(name, text)| (name, text));
        let mut left = CedarPolicies::MAX_TEXT_LEN;
        for (name, text) in texts.chain(schema) {
            left = left.checked_sub(text.len()).ok_or(LoadError::TooLarge {
                name: name.clone(),
                most: CedarPolicies::MAX_TEXT_LEN,
            })?;
        }
        Ok(())
    }

    /// Lengths stand before texts, so that no two lists of texts are one.
    fn version(&self) -> Version {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        match &self.schema {
            SchemaFrom::Text(_, text) => add(text),
            SchemaFrom::Missing | SchemaFrom::None => add(""),
        }
        for (name, text) in &self.texts {
            add(name);
            add(text);
        }
        for link in &self.links {
            add(&link.to_string());
        }
        let digest = hash.finalize();
        let mut text = String::with_capacity(32);
        for byte in digest.iter().take(16) {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Version::new(text)
    }
}

impl SchemaFrom {
    fn into_text(self) -> Option<String> {
        match self {
            Self::Text(_, text) => Some(text),
            Self::Missing | Self::None => None,
        }
    }

    fn read(&self) -> Result<Option<Schema>, LoadError> {
        match self {
            Self::Missing => Err(LoadError::NoSchema),
            Self::None => Ok(None),
            Self::Text(name, text) => read_schema(name, text).map(Some),
        }
    }
}

/// As Cedar reads and calls them.
pub(super) fn read_policies(name: &str, text: &str) -> Result<PolicySet, LoadError> {
    depth::check(name, text)?;
    PolicySet::from_str(text)
        .map_err(|error| LoadError::Syntax(Problem::new(name, text, &(&error).into())))
}

/// Either format: what begins as an object is JSON, for Cedar's format cannot begin so.
pub(super) fn read_schema(name: &str, text: &str) -> Result<Schema, LoadError> {
    depth::check_schema(name, text)?;
    // What cannot be read here, Cedar has the better words for.
    if let Some(schema) = meaning(text) {
        cost::check(name, &schema)?;
    }
    let problem = |error: DetailedError| LoadError::Schema(Problem::new(name, text, &error));
    if is_json(text) {
        return Schema::from_json_str(text).map_err(|error| problem((&error).into()));
    }
    match Schema::from_cedarschema_str(text) {
        Ok((schema, _warnings)) => Ok(schema),
        Err(error) => Err(problem((&error).into())),
    }
}

/// Whether two schemas say the same, however they are written.
pub(super) fn is_same_schema(left: &str, right: &str) -> Result<bool, LoadError> {
    depth::with_stack(|| {
        let (left, right) = (meaning(left), meaning(right));
        Ok(left.is_some() && left == right)
    })
}

fn meaning(schema: &str) -> Option<serde_json::Value> {
    let read = if is_json(schema) {
        SchemaFragment::from_json_str(schema).ok()?
    } else {
        SchemaFragment::from_cedarschema_str(schema).ok()?.0
    };
    read.to_json_value().ok()
}

fn is_json(schema: &str) -> bool {
    schema.trim_start().starts_with('{')
}

/// What was read so far.
#[derive(Default)]
struct Gathered {
    set: PolicySet,
    /// The text that each policy stands in.
    text_of: HashMap<PolicyId, usize>,
    texts: usize,
}

impl Gathered {
    fn read(&mut self, file: &str, text: &str) -> Result<(), LoadError> {
        // A file that somebody is about to write.
        if text.trim().is_empty() && file != UNNAMED {
            return Err(LoadError::Empty(file.to_owned()));
        }
        let parsed = read_policies(file, text)?;
        for policy in parsed.policies() {
            let id = name_of(file, policy.id(), policy.annotation("id"));
            self.own(file, &id)?;
            let policy: Policy = policy.new_id(id.clone());
            self.set.add(policy).map_err(|_| duplicate(file, &id))?;
        }
        for template in parsed.templates() {
            let id = name_of(file, template.id(), template.annotation("id"));
            self.own(file, &id)?;
            let template: Template = template.new_id(id.clone());
            let added = self.set.add_template(template);
            added.map_err(|_| duplicate(file, &id))?;
        }
        self.texts += 1;
        Ok(())
    }

    fn own(&mut self, file: &str, id: &PolicyId) -> Result<(), LoadError> {
        match self.text_of.insert(id.clone(), self.texts) {
            None => Ok(()),
            Some(_) => Err(duplicate(file, id)),
        }
    }

    fn link(&mut self, link: &TemplateLink) -> Result<(), LoadError> {
        let refuse = |message: String| LoadError::Link {
            id: link.id().to_owned(),
            template: link.template().to_owned(),
            message,
        };
        let linked = self.set.link(
            PolicyId::new(link.template()),
            PolicyId::new(link.id()),
            link.values(),
        );
        linked.map_err(|error: PolicySetError| refuse(told(&error)))?;
        let template = self.text_of.get(&PolicyId::new(link.template()));
        if let Some(text) = template.copied() {
            self.text_of.insert(PolicyId::new(link.id()), text);
        }
        Ok(())
    }

    fn check_count(&self, texts: &[(String, String)]) -> Result<(), LoadError> {
        let count = self.set.num_of_policies() + self.set.num_of_templates();
        match count {
            0 => {
                let names = texts.iter().map(|(name, _)| name.as_str());
                let names: Vec<_> = names.filter(|name| *name != UNNAMED).collect();
                Err(LoadError::Empty(match names.as_slice() {
                    [] => "the text".to_owned(),
                    names => names.join(", "),
                }))
            }
            count if count > CedarPolicies::MAX_POLICIES => Err(LoadError::TooMany {
                count,
                most: CedarPolicies::MAX_POLICIES,
            }),
            _ => Ok(()),
        }
    }

    /// The file that a policy stands in, and its text.
    fn origin<'a>(&self, id: &PolicyId, texts: &'a [(String, String)]) -> (&'a str, &'a str) {
        let text = self.text_of.get(id).and_then(|text| texts.get(*text));
        text.map_or((UNNAMED, ""), |(file, text)| (file, text))
    }

    /// Of all policies; what is no policy before it is linked is looked at as well.
    fn rules(&self, texts: &[(String, String)]) -> Result<HashMap<PolicyId, Arc<Rule>>, LoadError> {
        let read = |policy: &Policy| {
            let (file, _) = self.origin(policy.id(), texts);
            Ok((policy.id().clone(), Arc::new(Rule::new(file, policy)?)))
        };
        for template in self.set.templates() {
            let (file, _) = self.origin(template.id(), texts);
            let tree = template
                .to_pst()
                .map_err(|error| LoadError::Index(error.to_string()))?;
            rule::check_levels(file, template.id(), tree.clauses())?;
        }
        self.set.policies().map(read).collect()
    }

    /// The warnings.
    fn validate(
        &self,
        schema: &Schema,
        texts: &[(String, String)],
    ) -> Result<Vec<Problem>, LoadError> {
        let problem = |id: &PolicyId, error: DetailedError| {
            let (file, text) = self.origin(id, texts);
            Problem::new(file, text, &error)
        };
        let result = Validator::new(schema.clone()).validate(&self.set, ValidationMode::Strict);
        let errors = result.validation_errors();
        let mut errors: Vec<_> = errors
            .map(|error| problem(error.policy_id(), error.into()))
            .collect();
        if !result.validation_passed() {
            errors.sort_by_key(|problem| (problem.file.clone(), problem.line));
            return Err(LoadError::Invalid(errors));
        }
        let warnings = result.validation_warnings();
        Ok(warnings
            .map(|warning| problem(warning.policy_id(), warning.into()))
            .collect())
    }
}

fn step_up_permits(rules: &HashMap<PolicyId, Arc<Rule>>) -> Vec<PolicyId> {
    let of_step_up =
        |rule: &Rule| rule.head.step_up().is_some() && rule.head.effect() == abac::Effect::Permit;
    let found = rules.iter().filter(|(_, rule)| of_step_up(rule));
    found.map(|(id, _)| id.clone()).collect()
}

fn duplicate(file: &str, id: &PolicyId) -> LoadError {
    LoadError::DuplicateId {
        file: file.to_owned(),
        id: id.to_string(),
    }
}

/// Cedar counts within a text: `policy7`.
fn name_of(file: &str, given: &PolicyId, annotated: Option<&str>) -> PolicyId {
    match annotated {
        Some(name) if !name.is_empty() => PolicyId::new(name),
        _ if file == UNNAMED => given.clone(),
        _ => {
            let given = given.to_string();
            let number = given.strip_prefix("policy").unwrap_or(&given);
            PolicyId::new(format!("{file}#{number}"))
        }
    }
}
