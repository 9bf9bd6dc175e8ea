use super::ALGORITHM;
use crate::clock::Timestamp;
use crate::guard::RequestHead;
use crate::signing::{Fault, hex};
use http::{HeaderMap, HeaderName, header};

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const MAX_SIGNED_HEADERS: usize = 64;

/// What the `Authorization` header says, with the time.
pub(super) struct Claim<'a> {
    pub(super) access_key: &'a str,
    pub(super) day: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: [u8; 32],
    pub(super) time_text: &'a str,
    pub(super) seconds: u64,
}

impl<'a> Claim<'a> {
    pub(super) fn read(request: &RequestHead<'a>) -> Result<Self, Fault> {
        const MALFORMED: Fault = Fault::Malformed("Authorization");
        let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Fault::Absent)?;
        if values.next().is_some() {
            return Err(Fault::Duplicate("a header"));
        }
        let value = value.to_str().map_err(|_| MALFORMED)?;
        let rest = value.strip_prefix(ALGORITHM).ok_or(Fault::Absent)?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(MALFORMED)?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(MALFORMED),
            };
            if place.replace(value).is_some() {
                return Err(Fault::Duplicate("a parameter"));
            }
        }
        let mut scope = credential.ok_or(MALFORMED)?.rsplitn(5, '/');
        let mut next = || scope.next().filter(|it| !it.is_empty()).ok_or(MALFORMED);
        if next()? != "aws4_request" {
            return Err(MALFORMED);
        }
        let (service, region, day, access_key) = (next()?, next()?, next()?, next()?);
        let time_text = request.single_header(&DATE).ok_or(Fault::NoTime)?;
        let seconds = seconds(time_text).ok_or(Fault::Malformed("x-amz-date"))?;
        if time_text.get(..8) != Some(day) {
            return Err(Fault::WrongTag);
        }
        let signature = signature.ok_or(MALFORMED)?;
        Ok(Self {
            access_key,
            day,
            region,
            service,
            signed_headers: signed_headers.ok_or(MALFORMED)?,
            signature: hex::read_32(signature.as_bytes()).ok_or(MALFORMED)?,
            time_text,
            seconds,
        })
    }

    pub(super) fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day, self.region, self.service)
    }

    pub(super) fn signed(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.signed_headers.split(';')
    }

    /// Whether all is signed that has to be, in the order that the scheme has.
    pub(super) fn check_coverage(&self, headers: &HeaderMap) -> Result<(), Fault> {
        if self.signed().count() > MAX_SIGNED_HEADERS {
            return Err(Fault::TooMuch("components"));
        }
        let names: Vec<_> = self.signed().collect();
        if !names.is_sorted_by(|one, next| one < next) {
            return Err(Fault::Malformed("SignedHeaders"));
        }
        let is_signed = |name: &str| names.binary_search(&name).is_ok();
        if !is_signed("host") {
            return Err(Fault::NotCovered("host".into()));
        }
        let mut amazon = headers.keys().map(HeaderName::as_str);
        match amazon.find(|name| name.starts_with("x-amz-") && !is_signed(name)) {
            Some(name) => Err(Fault::NotCovered(name.into())),
            None => Ok(()),
        }
    }
}

/// Seconds since the Unix epoch, of a time like `20150830T123600Z`.
fn seconds(text: &str) -> Option<u64> {
    let [
        y1,
        y2,
        y3,
        y4,
        m1,
        m2,
        d1,
        d2,
        b'T',
        h1,
        h2,
        n1,
        n2,
        s1,
        s2,
        b'Z',
    ] = text.as_bytes()
    else {
        return None;
    };
    let dashed = [
        y1, y2, y3, y4, &b'-', m1, m2, &b'-', d1, d2, &b'T', h1, h2, &b':', n1, n2, &b':', s1, s2,
        &b'Z',
    ]
    .map(|byte| *byte);
    let time = humantime::parse_rfc3339(std::str::from_utf8(&dashed).ok()?).ok()?;
    Some(Timestamp::from(time).unix_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("20150830T123600Z"), Some(1_440_938_160));
        for wrong in [
            "",
            "20150830T123600",
            "20150830T123600+",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "2015083AT123600Z",
            "20150830t123600Z",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
