//! No text that the parsers accept ends its directive, its policy or its header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::browser::Origin;
use portcullis::browser::headers::{
    Csp, Directive, Feature, PermissionsPolicy, SecurityHeadersLayer, Source,
};
use tower_layer::Layer;
use tower_service::Service;

#[derive(Debug, arbitrary::Arbitrary)]
struct Input<'a> {
    sources: Vec<(u8, Vec<&'a str>)>,
    policies: Option<Vec<&'a str>>,
    inline: &'a str,
    report_to: &'a str,
    origin: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let mut builder = Csp::nothing().insecure_allow_weak_scripts();
    let mut named = vec![
        Directive::DefaultSrc,
        Directive::BaseUri,
        Directive::FormAction,
        Directive::FrameAncestors,
        Directive::StyleSrc,
    ];
    builder = builder.allow(Directive::StyleSrc, [Source::hash_of(input.inline)]);
    for (directive, sources) in input.sources {
        let directive = Directive::ALL[usize::from(directive) % Directive::ALL.len()];
        let sources = sources.iter().filter_map(|text| text.parse().ok());
        builder = builder.allow(directive, sources);
        if !named.contains(&directive) {
            named.push(directive);
        }
    }
    let mut others = 0;
    if let Some(policies) = input.policies {
        builder = builder.trusted_types_policies(policies);
        others += 2;
    }
    if let Ok(address) = input.report_to.parse() {
        builder = builder.report_to(address);
        others += 2;
    }
    let mut permissions = PermissionsPolicy::deny_all();
    if let Ok(origin) = input.origin.parse::<Origin>() {
        permissions = permissions.allow_own_pages_and(Feature::Camera, [origin]);
    }
    let Ok(csp) = builder.build() else { return };

    let layer = SecurityHeadersLayer::api()
        .csp(csp)
        .permissions_policy(permissions);
    let headers = answered_by(&layer);
    let text = headers["content-security-policy"].to_str().unwrap();
    assert!(!text.contains(','), "{text}");
    let directives: Vec<_> = text
        .split("; ")
        .map(|d| d.split(' ').next().unwrap())
        .collect();
    assert_eq!(directives.len(), named.len() + others, "{text}");
    for (written, directive) in directives.iter().zip(&named) {
        assert_eq!(*written, directive.as_str(), "{text}");
    }
    let permissions = headers["permissions-policy"].to_str().unwrap();
    assert_eq!(
        permissions.split(", ").count(),
        Feature::ALL.len(),
        "{permissions}"
    );
});

fn answered_by(layer: &SecurityHeadersLayer) -> http::HeaderMap {
    let mut service = layer.layer(Always);
    let answer = service.call(http::Request::new(()));
    let mut answer = std::pin::pin!(answer);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match answer.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Ok(response)) => response.headers().clone(),
        _ => unreachable!("the service answers at once"),
    }
}

#[derive(Clone)]
struct Always;

impl Service<http::Request<()>> for Always {
    type Response = http::Response<()>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<()>) -> Self::Future {
        std::future::ready(Ok(http::Response::new(())))
    }
}
