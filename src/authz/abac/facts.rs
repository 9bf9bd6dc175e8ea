use http::Extensions;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What the service has found out about a request itself, such as whether the device is one it
/// manages. Never what a client merely says.
///
/// A layer of the application puts them into the extensions of the request, outside the layers
/// of [`Authz`](super::Authz): there they become [facts](super::Context::fact) of the
/// [`Context`](super::Context).
///
/// ```
/// use portcullis::authz::abac::{Context, Facts};
/// use portcullis::clock::Clock;
/// use portcullis::guard::RequestHead;
///
/// fn of(request: &http::Request<()>) -> Context {
///     Context::of_request(&RequestHead::of(request), &Clock::system())
/// }
/// let mut request = http::Request::get("/documents").header("is-managed", "true").body(())?;
/// assert_eq!(of(&request).fact("is-managed"), None);
///
/// Facts::add(request.extensions_mut(), "is-managed", true);
/// assert_eq!(of(&request).fact("is-managed"), Some(&true.into()));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Facts(pub(super) BTreeMap<String, Json>);

impl Facts {
    /// Adds one to those of a request; one that has this name already is replaced.
    pub fn add(extensions: &mut Extensions, name: impl Into<String>, value: impl Into<Json>) {
        let facts: &mut Self = extensions.get_or_insert_default();
        facts.0.insert(name.into(), value.into());
    }

    /// Those that were added to a request.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The fact of this name.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }
}
