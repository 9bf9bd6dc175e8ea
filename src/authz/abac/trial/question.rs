use super::AskError;
use crate::authz::abac::Context;
use crate::clock::Timestamp;
use crate::principal::{Assurance, Authentication, Method, Principal};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::time::Duration;

/// A question to the policies, as data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Question {
    /// Who asks.
    pub principal: Who,
    /// For what: a permission, `resource:action`.
    pub action: String,
    /// With what; left out where it is not about one thing.
    #[serde(default)]
    pub resource: Option<Thing>,
    /// Under which circumstances.
    #[serde(default)]
    pub context: Circumstances,
}

/// A principal, as data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Who {
    /// The subject's id.
    pub id: String,
    /// Its roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The scopes of its credential; nothing limits it where they are left out.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The tenant it acts in.
    #[serde(default)]
    pub tenant: Option<String>,
    /// How it logged in (`amr`, RFC 8176).
    #[serde(default)]
    pub methods: Vec<String>,
    /// Its attributes.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

/// A thing, as data: its type, and the fields of the application's struct.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Thing {
    /// What policies call its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// Circumstances, as data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Circumstances {
    /// When, as RFC 3339 has it: `2026-11-23T10:00:00Z`. Now, where it is left out.
    #[serde(default)]
    pub time: Option<String>,
    /// The client's address.
    #[serde(default)]
    pub ip: Option<IpAddr>,
    /// How many seconds ago the principal logged in by several factors.
    #[serde(default)]
    pub mfa_age: Option<u64>,
    /// How strong the login was: `aal1`, `aal2` or `aal3`.
    #[serde(default)]
    pub assurance: Option<Assurance>,
    /// What the service found out beside that.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

impl Question {
    /// The principal and the circumstances that the question is about.
    pub(super) fn setting(&self, now: Timestamp) -> Result<(Principal, Context), AskError> {
        let asked = &self.context;
        let time = match &asked.time {
            Some(text) => parse_time(text)?,
            None => now,
        };
        let age = asked.mfa_age.map(Duration::from_secs);
        let principal = self.principal.logged_in(time, age, asked.assurance);
        let mut context = Context::new(time).of_principal(&principal);
        if let Some(address) = asked.ip {
            context = context.with_client_ip(address.to_canonical());
        }
        let facts = asked.facts.iter();
        let context = facts.fold(context, |context, (name, value)| {
            context.with_fact(name, value.clone())
        });
        Ok((principal, context))
    }
}

impl Who {
    fn logged_in(
        &self,
        now: Timestamp,
        mfa_age: Option<Duration>,
        assurance: Option<Assurance>,
    ) -> Principal {
        let time = now.saturating_sub(mfa_age.unwrap_or_default());
        let methods = self.methods.iter().map(|method| Method::from(&**method));
        let methods = methods.chain(mfa_age.map(|_| Method::MultiFactor));
        let mut login = methods.fold(Authentication::new(time), Authentication::with_method);
        if let Some(assurance) = assurance {
            login = login.with_assurance(assurance);
        }
        let mut principal =
            Principal::new(&*self.id, login).with_roles(self.roles.iter().map(String::as_str));
        if let Some(scopes) = &self.scopes {
            principal = principal.with_scopes(scopes.iter().map(String::as_str));
        }
        if let Some(tenant) = &self.tenant {
            principal = principal.with_tenant(tenant.as_str());
        }
        let attributes = self.attributes.iter();
        attributes.fold(principal, |principal, (name, value)| {
            principal.with_attribute(name, value.clone())
        })
    }
}

fn parse_time(text: &str) -> Result<Timestamp, AskError> {
    let time = humantime::parse_rfc3339(text);
    time.map(Timestamp::from)
        .map_err(|_| AskError::MalformedTime(text.to_owned()))
}
