//! Public points: that they are points, and not of those that make any signature valid.

use super::{Algorithm, KeyError};
use ring::{agreement, rand::SystemRandom};

/// The lowest byte first, as RFC 8032 writes them, without the sign bit: the points whose
/// order divides 8, in every spelling. Under such a key one signature fits every message.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    near_prime(0xec),
    near_prime(0xed),
    near_prime(0xee),
];

/// 2^255 - 256 and this many more: the prime of the curve is 2^255 - 19.
const fn near_prime(lowest: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = lowest;
    bytes[31] = 0x7f;
    bytes
}

/// An Ed25519 key that is not of small order. Whether it is a point at all is found at each
/// verification, which fails when it is not.
pub(super) fn ed25519(bytes: &[u8]) -> Result<[u8; 32], KeyError> {
    let point: [u8; 32] = bytes.try_into().map_err(|_| KeyError::WrongLength("x"))?;
    let mut unsigned = point;
    if let Some(highest) = unsigned.last_mut() {
        *highest &= 0x7f;
    }
    if SMALL_ORDER.contains(&unsigned) {
        return Err(KeyError::InvalidPoint);
    }
    Ok(point)
}

/// Two coordinates as an uncompressed point (SEC 1 section 2.3.3), which is on the curve.
pub(super) fn ecdsa(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Box<[u8]>, KeyError> {
    let (length, curve) = match algorithm {
        Algorithm::Es384 => (48, &agreement::ECDH_P384),
        _ => (32, &agreement::ECDH_P256),
    };
    if x.len() != length {
        return Err(KeyError::WrongLength("x"));
    }
    if y.len() != length {
        return Err(KeyError::WrongLength("y"));
    }
    let point = [&[4], x, y].concat();
    must_be_on_curve(curve, &point)?;
    Ok(point.into())
}

/// `ring` reads a public key for ECDSA only while it verifies; for a key agreement it checks
/// the point and says so, and costs a tenth of a millisecond, once.
fn must_be_on_curve(curve: &'static agreement::Algorithm, point: &[u8]) -> Result<(), KeyError> {
    let ours = agreement::EphemeralPrivateKey::generate(curve, &SystemRandom::new())
        .map_err(|_| KeyError::NoRandomness)?;
    let theirs = agreement::UnparsedPublicKey::new(curve, point);
    agreement::agree_ephemeral(ours, &theirs, |_| ()).map_err(|_| KeyError::InvalidPoint)
}
