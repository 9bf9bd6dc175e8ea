use super::super::urlencoded;
use super::layer::rejection;
use super::{CsrfToken, CsrfTokenLayer, TokenRefusal};
use crate::guard::inspect::{InspectService, Reading};
use crate::guard::{Guarded, Inspect, InspectLayer, Rejection, RequestHead, Want};
use tower_layer::Layer;

/// A [`CsrfTokenLayer`] that also looks for the token in forms. Made by
/// [`CsrfTokenLayer::with_forms`].
#[derive(Clone, Debug)]
#[must_use]
pub struct CsrfFormLayer {
    tokens: CsrfTokenLayer,
    forms: InspectLayer<CsrfFormField>,
}

impl CsrfFormLayer {
    pub(super) fn new(tokens: CsrfTokenLayer, limit: usize) -> Self {
        Self {
            tokens,
            forms: InspectLayer::new(limit, CsrfFormField(())),
        }
    }
}

impl<S> Layer<S> for CsrfFormLayer {
    type Service = Guarded<InspectService<S, CsrfFormField>, CsrfTokenLayer>;

    fn layer(&self, inner: S) -> Self::Service {
        self.tokens.layer(self.forms.layer(inner))
    }
}

/// Looks for the token in the body of a form that [`CsrfTokenLayer`] let through for that.
#[derive(Clone, Copy, Debug)]
pub struct CsrfFormField(());

impl Inspect for CsrfFormField {
    fn wants(&self, request: &RequestHead<'_>) -> Want {
        match request.extensions().get::<CsrfToken>() {
            Some(token) if !token.awaits_form() => Want::Nothing,
            _ => Want::Whole,
        }
    }

    fn inspect(&self, request: &RequestHead<'_>, reading: Reading<'_>) -> Result<(), Rejection> {
        let token = request.extensions().get::<CsrfToken>();
        let mut fields = urlencoded::values(reading.bytes(), CsrfToken::FIELD.as_bytes());
        let checked = match (token, fields.next(), fields.next()) {
            (Some(token), Some(field), None) => match std::str::from_utf8(&field) {
                Ok(text) => token.check(text),
                Err(_) => Err(TokenRefusal::TokenInvalid),
            },
            (Some(_), Some(_), Some(_)) => Err(TokenRefusal::TokenInvalid),
            _ => Err(TokenRefusal::TokenMissing),
        };
        checked.map_err(rejection)
    }
}
