use super::record::KeyRecord;
use crate::principal::Principal;

/// Whose keys are meant.
///
/// A [`Principal`] means its own in the tenant it acts in, and no others: for what users do. A
/// name means all that this owner has, in whatever tenant: for an administrator, and for the end
/// of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOwner<'a> {
    id: &'a str,
    tenant: Tenant<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenant<'a> {
    Any,
    Only(Option<&'a str>),
}

impl<'a> KeyOwner<'a> {
    pub(super) const fn id(&self) -> &'a str {
        self.id
    }

    /// The decision: whether a key is one of those.
    pub(super) fn has(&self, key: &KeyRecord) -> bool {
        let is_within = match self.tenant {
            Tenant::Any => true,
            Tenant::Only(tenant) => key.tenant.as_deref() == tenant,
        };
        is_within && *key.owner == *self.id
    }

    /// Whether all keys of the owner are meant, those included that cannot be read.
    pub(super) fn is_everywhere(&self) -> bool {
        self.tenant == Tenant::Any
    }
}

impl<'a> From<&'a Principal> for KeyOwner<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            id: principal.id(),
            tenant: Tenant::Only(principal.tenant()),
        }
    }
}

impl<'a> From<&'a str> for KeyOwner<'a> {
    fn from(id: &'a str) -> Self {
        let tenant = Tenant::Any;
        Self { id, tenant }
    }
}

impl<'a> From<&'a String> for KeyOwner<'a> {
    fn from(id: &'a String) -> Self {
        id.as_str().into()
    }
}
