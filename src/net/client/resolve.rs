use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// The addresses of a host, to come.
pub type ResolveFuture = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a host. Which of them may be called is not its affair.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not resolve names",
    note = "implement `portcullis::net::client::Resolve`, or leave it to the operating system"
)]
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// The addresses of this host, those to try first at the front.
    fn resolve(&self, host: &str) -> ResolveFuture;
}

/// Asks the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> ResolveFuture {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
