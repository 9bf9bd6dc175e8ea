//! How permissions are written: the grammar that roles, scopes and policies share.

/// The longest name of a resource or an action, in bytes.
const MAX_NAME: usize = 64;

/// `resource:action`, where either may be `*`; `*` alone is `*:*`.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'a> {
    resource: &'a str,
    action: &'a str,
}

impl<'a> Pattern<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let is_part = |part| part == ANY || is_name(part);
        Self::split(text).filter(|pattern| is_part(pattern.resource) && is_part(pattern.action))
    }

    /// Without a look at the names: those that are none equal none that is declared.
    pub(super) fn split(text: &'a str) -> Option<Self> {
        let (resource, action) = match text {
            ANY => (ANY, ANY),
            _ => text.split_once(':')?,
        };
        Some(Self { resource, action })
    }

    pub(super) fn is_wild(self) -> bool {
        self.resource == ANY || self.action == ANY
    }

    pub(super) fn matches(self, resource: &str, action: &str) -> bool {
        (self.resource == ANY || self.resource == resource)
            && (self.action == ANY || self.action == action)
    }
}

const ANY: &str = "*";

/// Whether a resource or an action may be called so.
pub(super) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_allowed)
}
