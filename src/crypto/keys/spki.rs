//! Public keys as X.509 writes them: SubjectPublicKeyInfo, RFC 5280 section 4.1, in DER.

use super::{Algorithm, Algorithms, KeyError, VerifyingKey, point, rsa};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OBJECT_ID: u8 = 0x06;

/// RFC 8017 appendix C.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// RFC 5480 section 2.1.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// RFC 8410 section 3.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const MALFORMED: KeyError = KeyError::MalformedMember("SubjectPublicKeyInfo");

/// What is left to read.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The contents of the next element, which has to be of this tag.
    fn next(&mut self, tag: u8) -> Result<Self, KeyError> {
        let (&found, rest) = self.0.split_first().ok_or(MALFORMED)?;
        let (&first, rest) = rest.split_first().ok_or(MALFORMED)?;
        // A length takes as few bytes as it can: one form for each key.
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => match rest.split_first() {
                Some((&length @ 0x80.., rest)) => (usize::from(length), rest),
                _ => return Err(MALFORMED),
            },
            0x82 => match rest {
                [high, low, rest @ ..] if *high != 0 => {
                    (usize::from(u16::from_be_bytes([*high, *low])), rest)
                }
                _ => return Err(MALFORMED),
            },
            _ => return Err(MALFORMED),
        };
        let (contents, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        self.0 = rest;
        if found == tag {
            Ok(Self(contents))
        } else {
            Err(MALFORMED)
        }
    }

    const fn end(self) -> Result<(), KeyError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(MALFORMED)
        }
    }

    /// A positive number, without the zero byte that says that it is.
    fn positive(&mut self) -> Result<&'a [u8], KeyError> {
        let number = self.next(INTEGER)?.0;
        match number {
            [0, rest @ ..] if rest.first().is_some_and(|first| *first > 0x7f) => Ok(rest),
            [1..=0x7f, ..] => Ok(number),
            _ => Err(MALFORMED),
        }
    }
}

pub(super) fn read(der: &[u8]) -> Result<VerifyingKey, KeyError> {
    let mut outside = Der(der);
    let mut info = outside.next(SEQUENCE)?;
    outside.end()?;
    let mut kind = info.next(SEQUENCE)?;
    let bits = info.next(BIT_STRING)?.0;
    info.end()?;
    let Some((0, key)) = bits.split_first() else {
        return Err(MALFORMED);
    };
    match kind.next(OBJECT_ID)?.0 {
        RSA_ENCRYPTION => {
            kind.next(NULL)?.end()?;
            kind.end()?;
            rsa_key(key)
        }
        // With parameters it would be for one hash alone; without, for each.
        RSASSA_PSS => {
            kind.end()?;
            rsa_key(key)?.only_for(pss())
        }
        EC_PUBLIC_KEY => {
            let curve = kind.next(OBJECT_ID)?.0;
            kind.end()?;
            ec_key(curve, key)
        }
        ED25519 => {
            kind.end()?;
            Ok(VerifyingKey::ed25519(point::ed25519(key)?))
        }
        _ => Err(KeyError::UnsupportedKeyType(
            "of another algorithm".to_owned(),
        )),
    }
}

fn pss() -> Algorithms {
    [Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512].into()
}

fn rsa_key(der: &[u8]) -> Result<VerifyingKey, KeyError> {
    let mut outside = Der(der);
    let mut numbers = outside.next(SEQUENCE)?;
    outside.end()?;
    let (modulus, exponent) = (numbers.positive()?, numbers.positive()?);
    numbers.end()?;
    Ok(VerifyingKey::rsa(rsa::public_key(modulus, exponent)?))
}

fn ec_key(curve: &[u8], key: &[u8]) -> Result<VerifyingKey, KeyError> {
    let algorithm = match curve {
        P256 => Algorithm::Es256,
        P384 => Algorithm::Es384,
        _ => return Err(KeyError::UnsupportedCurve("of another name".to_owned())),
    };
    // Uncompressed, SEC 1 section 2.3.3; compressed points are not read.
    let Some((4, coordinates)) = key.split_first() else {
        return Err(KeyError::InvalidPoint);
    };
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    let point = point::ecdsa(algorithm, x, y)?;
    Ok(VerifyingKey::ecdsa(algorithm, point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Encoding};

    /// RFC 9421 appendix B.1.4 and B.1.3.
    const ED: &str = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
    const EC: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";

    #[test]
    fn published_keys_are_read() {
        for (name, text, algorithm) in [
            ("Ed25519", ED, Algorithm::EdDsa),
            ("P-256", EC, Algorithm::Es256),
        ] {
            let key = read(&Base64::decode_vec(text).unwrap()).unwrap();
            assert_eq!(key.algorithms(), algorithm.into(), "{name}");
        }
    }

    #[test]
    fn every_other_byte_is_refused_or_another_key() {
        let der = Base64::decode_vec(ED).unwrap();
        for length in 0..der.len() {
            assert!(read(&der[..length]).is_err(), "cut to {length}");
        }
        let longer = [&der[..], &[0]].concat();
        assert_eq!(read(&longer).unwrap_err(), MALFORMED);
        for at in 0..12 {
            let mut changed = der.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "changed at {at}");
        }
    }
}
