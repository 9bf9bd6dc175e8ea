use super::{Admission, Attempt, Authenticator};
use crate::guard::{Challenge, Rejection, RequestHead};
use crate::principal::Principal;
use std::fmt;
use std::sync::Arc;

/// An authenticator whose principals have the rights of this moment, not those of when their
/// token or session was made: who has lost a role is without it at the next request (ASVS 5.0
/// 8.3.2).
///
/// The function is asked for each request that the authenticator lets in, and gives the
/// principal as it is to be from here on: mostly [without](Principal::without_roles) the roles
/// it came with, and with those of a table. It may refuse, as for an account that is gone; when
/// its table cannot be read, it should, by 503. Keep what it finds for a few seconds where that
/// is too slow, and say so.
///
/// ```
/// use portcullis::authn::authenticate::{AuthenticateLayer, Authenticator, CurrentRights};
/// use portcullis::guard::Rejection;
/// use portcullis::principal::Principal;
///
/// async fn roles_of(user: &str) -> Result<Vec<String>, Rejection> {
///     # let _ = user;
///     Ok(vec!["editor".to_owned()]) // from the table of users
/// }
///
/// fn layer<A: Authenticator>(tokens: A) -> AuthenticateLayer<impl Authenticator> {
///     AuthenticateLayer::new(CurrentRights::new(tokens, async |principal: Principal| {
///         let roles = roles_of(principal.id()).await?;
///         Ok(principal.without_roles().with_roles(roles))
///     }))
/// }
/// ```
#[must_use]
pub struct CurrentRights<A, F> {
    authenticator: A,
    look_up: Arc<F>,
}

impl<A, F, L> CurrentRights<A, F>
where
    A: Authenticator,
    F: Fn(Principal) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Principal, Rejection>> + Send + 'static,
{
    /// Looks up the rights of whoever this authenticator lets in.
    pub fn new(authenticator: A, look_up: F) -> Self {
        Self {
            authenticator,
            look_up: Arc::new(look_up),
        }
    }
}

impl<A, F> fmt::Debug for CurrentRights<A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentRights").finish_non_exhaustive()
    }
}

impl<A, F, L> Authenticator for CurrentRights<A, F>
where
    A: Authenticator,
    F: Fn(Principal) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Principal, Rejection>> + Send + 'static,
{
    fn challenges(&self) -> Vec<Challenge> {
        self.authenticator.challenges()
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        match self.authenticator.authenticate(request) {
            Attempt::Authenticated(admission) => {
                Attempt::now_or_later(current(Arc::clone(&self.look_up), admission))
            }
            Attempt::Later(attempt) => {
                let look_up = Arc::clone(&self.look_up);
                Attempt::now_or_later(async move { current(look_up, attempt.await?).await })
            }
            other => other,
        }
    }
}

async fn current<F, L>(look_up: Arc<F>, admission: Admission) -> Result<Admission, Rejection>
where
    F: Fn(Principal) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Principal, Rejection>> + Send + 'static,
{
    let (principal, headers) = admission.into_parts();
    let principal = look_up(principal).await?;
    let admission = Admission::new(principal);
    Ok(headers
        .into_iter()
        .fold(admission, |admission, (name, value)| {
            admission.with_header(name, value)
        }))
}
