use super::ConfigError;
use crate::guard::{Check, Rejection, RejectionKind, impl_layer};
use axum::Router;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, Route, on};
use http::{Method, Request};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

/// A router of axum in which a route without a rule is denied, and listed at the start.
///
/// Each route is added with its method and followed by its rule: [`behind`](Self::behind) a
/// layer that lets in who may, or [`open`](Self::open) to everybody. What has neither answers
/// 403 to everybody, and stands in [`unguarded`](Self::unguarded).
///
/// ```
/// use portcullis::authz::abac::{Authz, GuardedRouter, NoResource, permit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authz = Authz::builder()
///     .resource("documents", ["read"])
///     .policy(permit::<NoResource>("members", ["documents:read"])
///         .given("is a member", |who, _| who.has_role("member")))
///     .build()?;
///
/// let routes = GuardedRouter::new()
///     .get("/health", async || "fine").open()
///     .get("/documents", async || "a list").behind(authz.require("documents:read")?)
///     .delete("/documents", async || "all gone");
/// assert_eq!(routes.unguarded(), ["DELETE /documents"]);
/// let app: axum::Router = routes.into_router()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct GuardedRouter<S = ()> {
    routes: Vec<Entry<S>>,
}

struct Entry<S> {
    method: Method,
    path: String,
    handler: MethodRouter<S>,
    has_rule: bool,
}

impl<S> Entry<S> {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl<S> fmt::Debug for GuardedRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.routes.iter().map(Entry::name))
            .finish()
    }
}

impl<S: Clone + Send + Sync + 'static> Default for GuardedRouter<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> GuardedRouter<S> {
    /// A router without routes.
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a route for GET and HEAD.
    pub fn get<T: 'static>(self, path: &str, handler: impl Handler<T, S>) -> Self {
        self.route(Method::GET, MethodFilter::GET, path, handler)
    }

    /// Adds a route for POST.
    pub fn post<T: 'static>(self, path: &str, handler: impl Handler<T, S>) -> Self {
        self.route(Method::POST, MethodFilter::POST, path, handler)
    }

    /// Adds a route for PUT.
    pub fn put<T: 'static>(self, path: &str, handler: impl Handler<T, S>) -> Self {
        self.route(Method::PUT, MethodFilter::PUT, path, handler)
    }

    /// Adds a route for PATCH.
    pub fn patch<T: 'static>(self, path: &str, handler: impl Handler<T, S>) -> Self {
        self.route(Method::PATCH, MethodFilter::PATCH, path, handler)
    }

    /// Adds a route for DELETE.
    pub fn delete<T: 'static>(self, path: &str, handler: impl Handler<T, S>) -> Self {
        self.route(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn route<T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &str,
        handler: impl Handler<T, S>,
    ) -> Self {
        self.routes.push(Entry {
            method,
            path: path.to_owned(),
            handler: on(filter, handler),
            has_rule: false,
        });
        self
    }

    /// Puts the route that was added last behind a layer that lets in who may:
    /// [`Authz::require`](super::Authz::require), [`Authz::require_on`](super::Authz::require_on),
    /// or a guard of your own. A second layer comes around the first.
    pub fn behind<L>(self, rule: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service:
            Service<axum::extract::Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<axum::extract::Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<axum::extract::Request>>::Future: Send + 'static,
    {
        self.ruled(|handler| handler.route_layer(rule))
    }

    /// Opens the route that was added last to everybody.
    pub fn open(self) -> Self {
        self.ruled(|handler| handler)
    }

    fn ruled(mut self, rule: impl FnOnce(MethodRouter<S>) -> MethodRouter<S>) -> Self {
        if let Some(last) = self.routes.pop() {
            self.routes.push(Entry {
                handler: rule(last.handler),
                has_rule: true,
                ..last
            });
        }
        self
    }

    /// Adds all routes of another, with their rules.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    /// The routes without a rule, which are denied: to be listed when the service starts, or
    /// asserted to be none in a test.
    #[must_use]
    pub fn unguarded(&self) -> Vec<String> {
        let routes = self.routes.iter();
        routes
            .filter(|route| !route.has_rule)
            .map(Entry::name)
            .collect()
    }

    /// The router, to be merged with others or served.
    ///
    /// # Errors
    /// When a route is there twice.
    ///
    /// # Panics
    /// As [`Router::route`] does, when a path is malformed or overlaps with another.
    pub fn into_router(self) -> Result<Router<S>, ConfigError> {
        let mut router = Router::new();
        let mut known = BTreeSet::new();
        for route in self.routes {
            let name = route.name();
            // Before axum, which would panic.
            if !known.insert(name.clone()) {
                return Err(ConfigError::DuplicateRoute(name));
            }
            let handler = match route.has_rule {
                true => route.handler,
                false => route.handler.route_layer(NoRule(name.into())),
            };
            router = router.route(&route.path, handler);
        }
        Ok(router)
    }
}

/// Denies a route for which there is no rule.
#[derive(Clone)]
struct NoRule(Arc<str>);

impl Check for NoRule {
    fn check<B>(&self, _request: &mut Request<B>) -> Result<(), Rejection> {
        let reason = format!("no rule stands in front of {}", self.0);
        Err(Rejection::new(RejectionKind::Forbidden).with_reason(reason))
    }
}

impl_layer!(NoRule);
