//! A guard of our own: requests whose headers are absurd are refused with a problem document
//! before anything looks at them.

use http::Request;
use http::header::HOST;
use portcullis::guard::{Check, Rejection, RejectionKind};

const MAX_HEADERS: usize = 100;
const MAX_BYTES: usize = 16 * 1024;

#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderLimits;

impl Check for HeaderLimits {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let headers = request.headers();
        let target = request
            .uri()
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        let bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if headers.len() > MAX_HEADERS || bytes + target > MAX_BYTES {
            return Err(Rejection::new(RejectionKind::HeadersTooLarge));
        }
        // RFC 9112 section 3.2: a proxy may have taken the other of two.
        if headers.get_all(HOST).iter().count() > 1 {
            return Err(Rejection::new(RejectionKind::Malformed).with_code("several_hosts"));
        }
        Ok(())
    }
}
