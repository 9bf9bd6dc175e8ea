//! The public half of an RSA key: that it has a decent size, and was made honestly.

use super::{KeyError, roca};
use ring::signature::RsaPublicKeyComponents;

/// NIST SP 800-131A revision 2, RFC 7518 sections 3.3 and 3.5.
const SMALLEST_BITS: usize = 2048;
/// What `ring` verifies.
const MAX_BITS: usize = 8192;
/// NIST SP 800-56B section 6.2.1: a smaller exponent makes slips in padding fatal.
const SMALLEST_EXPONENT: u64 = 65_537;
/// What `ring` verifies; a larger exponent is a way to make us work.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

pub(super) type PublicKey = RsaPublicKeyComponents<Box<[u8]>>;

/// Checks modulus and exponent, big-endian.
pub(super) fn public_key(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyError> {
    if modulus.first().is_none_or(|&first| first == 0) {
        return Err(KeyError::MalformedMember("n"));
    }
    if exponent.first().is_none_or(|&first| first == 0) || exponent.len() > 8 {
        return Err(KeyError::MalformedMember("e"));
    }
    let bits = bit_length(modulus);
    if !(SMALLEST_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyError::RsaSize(bits));
    }
    let value = exponent
        .iter()
        .fold(0, |value: u64, &byte| (value << 8) | u64::from(byte));
    let is_odd = |number: &[u8]| number.last().is_some_and(|&last| last & 1 == 1);
    let is_in_range = (SMALLEST_EXPONENT..=MAX_EXPONENT).contains(&value);
    if !is_in_range || !is_odd(exponent) || !is_odd(modulus) {
        return Err(KeyError::RsaParameters);
    }
    if roca::has_fingerprint(modulus) {
        return Err(KeyError::Roca);
    }
    Ok(RsaPublicKeyComponents {
        n: modulus.into(),
        e: exponent.into(),
    })
}

/// The length of a number without leading zero bytes.
fn bit_length(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    number.len() * 8 - unused as usize
}
