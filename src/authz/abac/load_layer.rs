use super::layer::principal;
use super::question::Question;
use super::{Allowed, Authz, ConfigError, Context, Resource, ResourceLoader};
use crate::guard::{
    Body, Challenge, Exit, Guard, Later, Rejection, RejectionKind, RequestHead, Verdict, impl_layer,
};
use crate::principal::Principal;
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;

/// Admits requests whose [`Principal`] may do something with the thing they are about: made by
/// [`Authz::require_on`].
///
/// The thing is loaded for the check, once, and the handler gets that very row as
/// [`Allowed`]. A loader that fails is answered with 503, a thing that is not there with 404.
#[must_use]
pub struct RequireOnLayer<L> {
    rule: Arc<Rule<L>>,
    challenge: Challenge,
    hides_existence: bool,
}

struct Rule<L> {
    authz: Authz,
    permission: Arc<str>,
    loader: L,
}

impl Authz {
    /// A layer that admits principals who may do this with the thing that `loader` loads.
    ///
    /// # Errors
    /// When there is no such permission: at start, not at the first request.
    pub fn require_on<L: ResourceLoader>(
        &self,
        permission: &str,
        loader: L,
    ) -> Result<RequireOnLayer<L>, ConfigError> {
        self.known(permission)?;
        Ok(RequireOnLayer {
            rule: Arc::new(Rule {
                authz: self.clone(),
                permission: permission.into(),
                loader,
            }),
            challenge: Challenge::new("Bearer"),
            hides_existence: false,
        })
    }
}

impl<L> RequireOnLayer<L> {
    /// Answers 404 instead of 403, in the same words as for a thing that is not there, where
    /// nobody may learn which ids exist; also instead of 503 where policies could not decide
    /// about the thing. The event is still that of the refusal. A challenge for a stronger login
    /// is shown, for only who would be allowed after it gets one.
    pub const fn hide_existence(mut self) -> Self {
        self.hides_existence = true;
        self
    }

    /// Sets the challenge for requests without a principal; `Bearer` without it.
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = challenge;
        self
    }
}

impl<L> Clone for RequireOnLayer<L> {
    fn clone(&self) -> Self {
        Self {
            rule: Arc::clone(&self.rule),
            challenge: self.challenge.clone(),
            hides_existence: self.hides_existence,
        }
    }
}

impl<L> fmt::Debug for RequireOnLayer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireOnLayer")
            .field("permission", &self.rule.permission)
            .field("hides_existence", &self.hides_existence)
            .finish_non_exhaustive()
    }
}

impl<L: ResourceLoader> Guard for RequireOnLayer<L> {
    type Exit = Loaded<L::Resource>;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<Self::Exit> {
        match self.begin(request) {
            Ok(verdict) => Verdict::Later(verdict),
            Err(rejection) => Verdict::Reject(rejection),
        }
    }
}

impl<L: ResourceLoader> RequireOnLayer<L> {
    /// Whoever has no role for it does not make the database work.
    fn begin<B>(&self, request: &Request<B>) -> Result<Later<Loaded<L::Resource>>, Rejection> {
        let rule = &self.rule;
        let principal = principal(request, &self.challenge)?.clone();
        let head = RequestHead::of(request);
        let context = Context::of_request(&head, &rule.authz.0.clock);
        let passed = rule.authz.pass(&principal, &rule.permission, &context);
        passed.map_err(|rejection| self.shown(rejection))?;
        let loading = rule.loader.load(&head);
        let layer = self.clone();
        Ok(Box::pin(async move {
            let loaded = loading.await.map_err(|error| {
                let rejection = error.into_rejection();
                rejection.with_subject(principal.id())
            })?;
            match loaded {
                Some(resource) => layer.judge(&principal, resource, context),
                None => Err(Rejection::new(RejectionKind::NotFound)),
            }
        }))
    }

    fn judge(
        &self,
        principal: &Principal,
        resource: Arc<L::Resource>,
        context: Context,
    ) -> Result<Loaded<L::Resource>, Rejection> {
        let decided = self.rule.authz.demand(&Question::on(
            principal,
            &self.rule.permission,
            &*resource,
            &context,
        ));
        let decision = decided.map_err(|rejection| self.shown(rejection))?;
        let allowed = Allowed::new(resource, Arc::clone(&self.rule.permission), decision);
        Ok(Loaded(Some((allowed, context))))
    }

    /// A refusal, as if there were nothing there if that is what it has to look like.
    fn shown(&self, rejection: Rejection) -> Rejection {
        use RejectionKind::{Forbidden, NotFound, Unavailable};
        let is_telling = matches!(rejection.kind(), Forbidden | Unavailable);
        if !self.hides_existence || !is_telling {
            return rejection;
        }
        let mut hidden = Rejection::new(NotFound).with_event(rejection.event());
        if let Some(reason) = rejection.reason() {
            hidden = hidden.with_reason(reason.to_owned());
        }
        match rejection.subject() {
            Some(subject) => hidden.with_subject(subject),
            None => hidden,
        }
    }
}

impl_layer!(RequireOnLayer<L>, L: ResourceLoader);

/// A thing on its way into the request.
pub struct Loaded<T>(Option<(Allowed<T>, Context)>);

impl<T: Resource> Exit for Loaded<T> {
    fn enter<B>(&mut self, request: &mut Request<B>) {
        if let Some((allowed, context)) = self.0.take() {
            let extensions = request.extensions_mut();
            extensions.insert(allowed);
            extensions.insert(context);
        }
    }

    fn leave<R>(self, _response: &mut Response<Body<R>>) {}
}

impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}
