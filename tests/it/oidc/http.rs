//! A browser, as far as it takes part in logins: it keeps cookies, and goes where it is told.

use super::idp::{PASSWORD, USER};
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::collections::BTreeMap;
use url::Url;
use url::form_urlencoded::Serializer;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        let location = self.headers.get(header::LOCATION);
        location.map_or("", |it| it.to_str().unwrap())
    }

    /// The cookies that it sets: name and value.
    pub(crate) fn cookies(&self) -> Vec<(String, String)> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        let pairs = lines.map(|line| line.to_str().unwrap().split(';').next().unwrap());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

pub(crate) async fn send(request: Request<Full<Bytes>>) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

pub(crate) async fn get(url: &str) -> Answer {
    send(Request::get(url).body(Full::default()).unwrap()).await
}

pub(crate) async fn post(url: &str, content_type: &str, body: String) -> Answer {
    let request = Request::post(url).header(header::CONTENT_TYPE, content_type);
    send(request.body(Full::from(body)).unwrap()).await
}

pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The value of a parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

/// A URL with a parameter changed, or taken away.
pub(crate) fn with_parameter(url: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(url).unwrap();
    let others: Vec<_> = url
        .query_pairs()
        .into_owned()
        .filter(|(known, _)| known != name)
        .collect();
    url.query_pairs_mut().clear().extend_pairs(others);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.into()
}

/// A browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    /// Of each origin.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    fn origin(url: &str) -> String {
        Url::parse(url).unwrap().origin().ascii_serialization()
    }

    fn jar(&mut self, url: &str) -> &mut BTreeMap<String, String> {
        self.cookies.entry(Self::origin(url)).or_default()
    }

    pub(crate) fn cookie(&mut self, url: &str, name: &str) -> Option<String> {
        self.jar(url).get(name).cloned()
    }

    pub(crate) fn set_cookie(&mut self, url: &str, name: &str, value: &str) {
        self.jar(url).insert(name.to_owned(), value.to_owned());
    }

    /// The `Cookie` header for this URL.
    pub(crate) fn cookies_for(&mut self, url: &str) -> String {
        let pairs = self.jar(url).iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    pub(crate) fn keep(&mut self, url: &str, answer: &Answer) {
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let is_gone = line.contains("Max-Age=0") || line.contains("01 Jan 1970");
            if is_gone {
                self.jar(url).remove(name);
            } else {
                self.set_cookie(url, name, value);
            }
        }
    }

    async fn send(&mut self, url: &str, request: http::request::Builder, body: String) -> Answer {
        let cookies = self.cookies_for(url);
        let request = if cookies.is_empty() {
            request
        } else {
            request.header(header::COOKIE, cookies)
        };
        let answer = send(request.uri(url).body(Full::from(body)).unwrap()).await;
        self.keep(url, &answer);
        answer
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let request = Request::builder().method("GET");
        self.send(url, request, String::new()).await
    }

    pub(crate) async fn post(&mut self, url: &str, pairs: &[(&str, &str)]) -> Answer {
        let request = Request::builder()
            .method("POST")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(url, request, form(pairs)).await
    }

    /// Logs in at the provider, from where the relying party sends to where the provider sends
    /// back: the URL of the callback, which is not called.
    pub(crate) async fn authorize(&mut self, url: &str) -> String {
        self.at_provider(url, &[("login", USER), ("password", PASSWORD)])
            .await
    }

    /// Goes to the provider, and types this into its form, if it shows one.
    pub(crate) async fn at_provider(&mut self, url: &str, typed: &[(&str, &str)]) -> String {
        let provider = Self::origin(url);
        let mut url = url.to_owned();
        for _ in 0..12 {
            let mut answer = self.get(&url).await;
            if answer.status == 200 && url.contains("/interaction/") {
                let consents = answer.body.contains("name=\"consent\"");
                let typed = if consents {
                    &[("consent", "yes")][..]
                } else {
                    typed
                };
                answer = self.post(&url, typed).await;
            }
            assert_eq!(answer.status, 303, "{url}: {}", answer.body);
            let next = Url::parse(&url).unwrap().join(answer.location()).unwrap();
            url = next.into();
            if Self::origin(&url) != provider {
                return url;
            }
        }
        panic!("the provider goes round in circles");
    }
}
