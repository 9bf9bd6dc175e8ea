use super::Fields;
use super::service::{CleanService, Desk};
use crate::guard::Render;
use crate::guard::collect::DEADLINE;
use crate::guard::render::Standard;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;

/// Cleans fields of bodies before services see them. See the [module](super) for the rules.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use portcullis::guard::Inspected;
/// use portcullis::input::fields::{CleanLayer, Fields};
/// use portcullis::input::html::Policy;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ServiceBuilder::new()
///     .layer(CleanLayer::new(Fields::new().html("/text", Policy::comment())))
///     .service_fn(async |request: Request<Inspected<Full<Bytes>>>| {
///         let body = request.into_body().collect().await?.to_bytes();
///         Ok::<_, std::convert::Infallible>(Response::new(Full::new(body)))
///     });
///
/// let body = Full::new(Bytes::from(r#"{"text": "<i onclick=x>a</i>"}"#));
/// let request = Request::post("/").header("content-type", "application/json").body(body)?;
/// let answer = service.clone().oneshot(request).await?.into_body().collect().await;
/// assert_eq!(answer.map_err(|_| "broken")?.to_bytes(), r#"{"text": "<i>a</i>"}"#);
///
/// let body = Full::new(Bytes::from("<script>"));
/// let request = Request::post("/").header("content-type", "text/html").body(body)?;
/// assert_eq!(service.oneshot(request).await?.status(), 415);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct CleanLayer {
    fields: Arc<Fields>,
    passed: Vec<String>,
    deadline: Duration,
    render: Arc<dyn Render>,
}

impl CleanLayer {
    /// Cleans these fields.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields: Arc::new(fields),
            passed: Vec::new(),
            deadline: DEADLINE,
            render: Arc::new(Standard),
        }
    }

    /// Lets bodies of this type by without looking at them: `multipart/form-data`, where
    /// something else looks at uploads.
    pub fn pass(mut self, content_type: &str) -> Self {
        self.passed.push(content_type.to_ascii_lowercase());
        self
    }

    /// Refuses with 408 when a body has not arrived within `deadline`; 15 seconds without this.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes rejections look as `render` says.
    pub fn rendered_by(mut self, render: impl Render) -> Self {
        self.render = Arc::new(render);
        self
    }
}

impl fmt::Debug for CleanLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanLayer")
            .field("fields", &self.fields)
            .field("passed", &self.passed)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CleanLayer {
    type Service = CleanService<S>;

    fn layer(&self, inner: S) -> CleanService<S> {
        let desk = Desk {
            fields: Arc::clone(&self.fields),
            passed: self.passed.clone(),
            deadline: self.deadline,
            render: Arc::clone(&self.render),
        };
        CleanService::new(inner, Arc::new(desk))
    }
}
