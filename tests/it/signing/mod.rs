//! Signed messages: made, verified, forged, changed on the way, sent again.

mod api;
mod clients;
mod layers;
mod policy;
mod races;
mod sigv4;
mod vectors;
mod webhooks;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, KnownKey, SigningKey, StaticKeys};
use portcullis::secret::SecretBytes;
use portcullis::signing::{Component, Fault, Message, Policy, Signer, Verified, Verifier};
use portcullis::store::Store;
use std::convert::Infallible;
use std::time::Duration;

const NOW: u64 = 1_700_000_000;
const BODY: &[u8] = b"{\"amount\": 12}";

fn time() -> FakeClock {
    FakeClock::at_unix_seconds(NOW)
}

fn secret() -> SecretBytes {
    [7; 32].as_slice().into()
}

fn keys() -> StaticKeys {
    StaticKeys::new().with("partner-1", KnownKey::shared_secret(&secret()).unwrap())
}

fn signer(time: &FakeClock) -> Signer {
    let key = SigningKey::from_secret(Algorithm::Hs256, &secret()).unwrap();
    let signer = Signer::new(key.with_key_id("partner-1")).unwrap();
    signer.with_clock(time.clock())
}

fn verifier(time: &FakeClock, policy: Policy) -> Verifier {
    Verifier::new(policy, keys(), Store::memory()).with_clock(time.clock())
}

fn order() -> Request<()> {
    Request::post("https://api.example.com/orders?dry=1")
        .header("content-type", "application/json")
        .body(())
        .unwrap()
}

/// An order as it is sent.
fn signed(time: &FakeClock) -> Request<()> {
    let mut request = order();
    signer(time).sign_request(&mut request, BODY).unwrap();
    request
}

fn code(result: &Result<Verified, Fault>) -> &'static str {
    result.as_ref().map_or_else(Fault::code, |_| "ok")
}

async fn text(body: impl http_body::Body<Data = Bytes, Error = impl std::fmt::Debug>) -> String {
    let bytes = body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
