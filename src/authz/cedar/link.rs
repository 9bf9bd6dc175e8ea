use cedar_policy::{EntityUid, SlotId};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// A template with its slots filled, which is a policy.
///
/// A list of links is read from JSON in the form that Cedar's command line uses:
///
/// ```
/// use portcullis::authz::cedar::TemplateLink;
///
/// let links: Vec<TemplateLink> = serde_json::from_str(r#"[
///     {"template_id": "share", "link_id": "ann-sees-plan",
///      "args": {"?principal": "User::\"ann\"", "?resource": "Document::\"plan\""}}
/// ]"#)?;
/// let same = TemplateLink::new("share", "ann-sees-plan")
///     .principal(r#"User::"ann""#.parse()?)
///     .resource(r#"Document::"plan""#.parse()?);
/// assert_eq!(links, [same]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct TemplateLink {
    #[serde(rename = "template_id")]
    template: String,
    #[serde(rename = "link_id")]
    id: String,
    #[serde(rename = "args", deserialize_with = "slots")]
    values: Slots,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Slots {
    principal: Option<EntityUid>,
    resource: Option<EntityUid>,
}

impl TemplateLink {
    /// Links to a template; the new policy has this id.
    pub fn new(template: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            template: template.into(),
            id: id.into(),
            values: Slots::default(),
        }
    }

    /// Fills `?principal`.
    pub fn principal(mut self, entity: EntityUid) -> Self {
        self.values.principal = Some(entity);
        self
    }

    /// Fills `?resource`.
    pub fn resource(mut self, entity: EntityUid) -> Self {
        self.values.resource = Some(entity);
        self
    }

    /// The id of the template.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The id of the policy that it makes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn values(&self) -> HashMap<SlotId, EntityUid> {
        let Slots {
            principal,
            resource,
        } = self.values.clone();
        let principal = principal.map(|entity| (SlotId::principal(), entity));
        let resource = resource.map(|entity| (SlotId::resource(), entity));
        principal.into_iter().chain(resource).collect()
    }
}

/// All of it, in one order.
impl fmt::Display for TemplateLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} = {:?}", self.id, self.template)?;
        if let Some(principal) = &self.values.principal {
            write!(f, " ?principal {principal}")?;
        }
        match &self.values.resource {
            Some(resource) => write!(f, " ?resource {resource}"),
            None => Ok(()),
        }
    }
}

fn slots<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Slots, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
    let mut slots = Slots::default();
    for (slot, text) in texts {
        let entity = text.parse().map_err(|error| {
            D::Error::custom(format!("{slot}: {text:?} names no entity: {error}"))
        })?;
        match slot.as_str() {
            "?principal" => slots.principal = Some(entity),
            "?resource" => slots.resource = Some(entity),
            _ => {
                return Err(D::Error::custom(format!(
                    "there is no slot {slot:?}; there are ?principal and ?resource"
                )));
            }
        }
    }
    Ok(slots)
}
