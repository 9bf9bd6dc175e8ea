use super::future::LeakFuture;
use super::{FINDER, Leak, LeakBody, LeakKind};
use crate::event::{Emitter, EventKind, RequestId, SecurityEvent};
use crate::guard::render::Standard;
use crate::guard::{Body, Render};
use bytes::Bytes;
use http::{Method, Request, Response};
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// How much of a response is looked at, in bytes, unless told otherwise: pages of errors say
/// what they say at their beginning.
const BEGINNING: usize = 16 << 10;
/// How long the beginning of a response is held back for more of it to come.
const HELD_FOR: Duration = Duration::from_secs(1);

/// Tells of responses that say too much: stack traces, errors of databases, private keys, keys
/// of clouds, lists of folders, source code.
///
/// The first 16 KiB of text are looked at; bodies in a content coding are not, for nothing
/// here inflates them: put this layer inside of one that compresses. Without a further word
/// every response goes out as it is, at once, and an event of kind
/// [`SysDataLeak`](EventKind::SysDataLeak) tells. Where nothing may go out, see
/// [`replacing`](Self::replacing).
///
/// What it sees is what is known: it is a net below error handling that tells clients nothing,
/// not a substitute.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use portcullis::waf::LeakLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = LeakLayer::new().replacing().layer(service_fn(async |request: Request<_>| {
///     let page = match request.uri().path() {
///         "/broken" => "You have an error in your SQL syntax near ''1'' at line 1",
///         _ => "hello",
///     };
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(page))))
/// }));
/// let request = Request::get("/").body(Empty::<Bytes>::new())?;
/// assert_eq!(service.clone().oneshot(request).await?.status(), 200);
/// let request = Request::get("/broken").body(Empty::new())?;
/// assert_eq!(service.oneshot(request).await?.status(), 500);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct LeakLayer(Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) first: usize,
    pub(super) replaces: bool,
    pub(super) held_for: Duration,
    pub(super) ignored: Vec<LeakKind>,
    pub(super) render: Arc<dyn Render>,
}

impl LeakLayer {
    /// Tells of leaks in the first 16 KiB of responses, and changes none.
    pub fn new() -> Self {
        // The patterns are made now, not when the first client waits.
        LazyLock::force(&FINDER);
        Self(Arc::new(Settings {
            first: BEGINNING,
            replaces: false,
            held_for: HELD_FOR,
            ignored: Vec::new(),
            render: Arc::new(Standard),
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Answers with 500 instead of a response whose beginning leaks.
    ///
    /// To do so the beginning is held back until it is there, for 1 second at most; what comes
    /// later is only told of. Streams of events (`text/event-stream`) are not held back.
    pub fn replacing(self) -> Self {
        self.with(|settings| settings.replaces = true)
    }

    /// Looks at so many bytes of a response, and keeps as many in memory while it lasts.
    pub fn first(self, bytes: usize) -> Self {
        self.with(|settings| settings.first = bytes)
    }

    /// Holds the beginning of a response back for so long at most; 1 second without this.
    pub fn held_for(self, time: Duration) -> Self {
        self.with(|settings| settings.held_for = time)
    }

    /// Lets leaks of this kind pass: source code, where that is what the service shows.
    pub fn without(self, kind: LeakKind) -> Self {
        self.with(|settings| settings.ignored.push(kind))
    }

    /// Makes the 500 look as `render` says.
    pub fn rendered_by(self, render: impl Render) -> Self {
        self.with(|settings| settings.render = Arc::new(render))
    }
}

impl Default for LeakLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LeakLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakLayer")
            .field("first", &self.0.first)
            .field("replaces", &self.0.replaces)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for LeakLayer {
    type Service = LeakService<S>;

    fn layer(&self, inner: S) -> LeakService<S> {
        LeakService {
            inner,
            settings: Arc::clone(&self.0),
        }
    }
}

/// A service whose responses are looked at.
#[derive(Clone)]
pub struct LeakService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S: fmt::Debug> fmt::Debug for LeakService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for LeakService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: http_body::Body<Data = Bytes> + Unpin,
{
    type Response = Response<Body<LeakBody<R>>>;
    type Error = S::Error;
    type Future = LeakFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let asked = Asked {
            settings: Arc::clone(&self.settings),
            emitter: Emitter::of(request.extensions()),
            head: self.settings.replaces.then(|| Box::new(head_of(&request))),
            has_body: request.method() != Method::HEAD,
        };
        LeakFuture::new(self.inner.call(request), asked)
    }
}

/// What of a request is needed to answer in the place of the service.
fn head_of<B>(request: &Request<B>) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    if let Some(id) = request.extensions().get::<RequestId>() {
        head.extensions_mut().insert(id.clone());
    }
    head
}

/// A request whose response is to be looked at.
pub(super) struct Asked {
    pub(super) settings: Arc<Settings>,
    pub(super) emitter: Emitter,
    pub(super) head: Option<Box<Request<()>>>,
    pub(super) has_body: bool,
}

impl Asked {
    pub(super) fn watch(self) -> Watch {
        Watch {
            seen: Vec::new(),
            settings: self.settings,
            emitter: self.emitter,
        }
    }
}

/// The beginning of a response, as far as it was seen.
pub(super) struct Watch {
    seen: Vec<u8>,
    settings: Arc<Settings>,
    emitter: Emitter,
}

impl Watch {
    /// Sees some more, and says whether it was enough.
    pub(super) fn see(&mut self, data: &[u8]) -> bool {
        let room = self.settings.first.saturating_sub(self.seen.len());
        self.seen
            .extend_from_slice(data.get(..room).unwrap_or(data));
        self.seen.len() >= self.settings.first
    }

    pub(super) fn leaks(&self) -> Vec<Leak> {
        let mut leaks = Leak::find(&self.seen);
        leaks.retain(|leak| !self.settings.ignored.contains(&leak.kind));
        leaks
    }

    pub(super) fn held_for(&self) -> Duration {
        self.settings.held_for
    }

    pub(super) fn render(&self) -> &dyn Render {
        &*self.settings.render
    }

    /// Tells of what went out.
    pub(super) fn tell(self) {
        self.tell_of(&self.leaks(), "passed");
    }

    pub(super) fn tell_of(&self, leaks: &[Leak], action: &str) {
        let Some(first) = leaks.first() else {
            return;
        };
        let rules: Vec<_> = leaks.iter().map(|leak| leak.rule).collect();
        let event = SecurityEvent::new(EventKind::SysDataLeak)
            .with_code(first.kind.as_str())
            .with_detail("action", action)
            .with_detail("rules", &rules.join(","))
            .with_detail("excerpt", &first.excerpt);
        self.emitter.emit(event);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
