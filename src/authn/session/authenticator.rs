use super::Sessions;
use super::error::{SessionError, Why};
use super::token::Token;
use super::visitor::Trace;
use crate::authn::authenticate::{Attempt, Authenticator};
use crate::guard::cookie::Found;
use crate::guard::{Challenge, Rejection, RequestHead};

/// Authenticates requests by the session cookie.
impl Authenticator for Sessions {
    /// None: there is nothing a program could do, and a browser shows a page to log in.
    fn challenges(&self) -> Vec<Challenge> {
        Vec::new()
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let token = match self.settings.cookie.find(request.headers()) {
            Found::Nothing => return Attempt::Absent,
            Found::Several => Err(Why::Several),
            Found::One(value) => Token::parse(value).ok_or(Why::Malformed),
        };
        let token = match token {
            Ok(token) => token,
            Err(why) => return Attempt::Rejected(self.clearing(SessionError::new(why)).into()),
        };
        let (sessions, trace) = (self.clone(), Trace::of(request));
        Attempt::now_or_later(async move {
            let checked = sessions.check(&token, &trace).await;
            checked.map_err(Rejection::from)
        })
    }
}
