use super::{Attributes, Context, Query, Resource, TypeSchema, Value};
use crate::principal::Principal;
use std::borrow::Cow;

/// What is asked for where no thing is named: policies for it are of this type.
///
/// ```
/// use portcullis::authz::abac::{NoResource, permit};
///
/// let everybody_may_create = permit::<NoResource>("may-create", ["documents:create"])
///     .given("is a member", |who, _| who.has_role("member"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoResource;

impl Attributes for NoResource {
    fn schema() -> TypeSchema {
        TypeSchema::new("NoResource")
    }

    fn attribute(&self, _name: &str) -> Option<Value<'_>> {
        None
    }

    fn visit(&self, _visitor: &mut dyn FnMut(&'static str, Value<'_>)) {}
}

impl Resource for NoResource {
    fn type_name(&self) -> &'static str {
        "NoResource"
    }

    fn id(&self) -> Cow<'_, str> {
        "".into()
    }
}

/// One question, with the thing in its own type.
#[derive(Debug)]
pub(super) struct Question<'a, R> {
    pub(super) principal: &'a Principal,
    pub(super) action: &'a str,
    pub(super) resource: &'a R,
    pub(super) context: &'a Context,
    /// Whether the thing is one, and not [`NoResource`].
    pub(super) is_on_thing: bool,
}

impl<R> Clone for Question<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Question<'_, R> {}

impl<'a> Question<'a, NoResource> {
    pub(super) const fn of_action(
        principal: &'a Principal,
        action: &'a str,
        context: &'a Context,
    ) -> Self {
        Self {
            is_on_thing: false,
            ..Self::on(principal, action, &NoResource, context)
        }
    }
}

impl<'a, R: Resource> Question<'a, R> {
    pub(super) const fn on(
        principal: &'a Principal,
        action: &'a str,
        resource: &'a R,
        context: &'a Context,
    ) -> Self {
        Self {
            principal,
            action,
            resource,
            context,
            is_on_thing: true,
        }
    }

    pub(super) fn query(&self) -> Query<'a> {
        let resource: &'a dyn Resource = self.resource;
        let resource = self.is_on_thing.then_some(resource);
        Query::new(self.principal, self.action, resource, self.context)
    }
}
