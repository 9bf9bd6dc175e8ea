//! The fingerprint of RSA keys made by the Infineon library of CVE-2017-15361 ("ROCA", Nemec
//! et al., ACM CCS 2017).
//!
//! That library built each prime as `k * M + (65537^a mod M)`, with `M` the product of the
//! first small primes. So, for each of these small primes, the modulus is a power of 65537;
//! of other moduli this holds for about one in 2^28.

/// The odd primes that divide `M` at every key size.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

const GENERATOR: u32 = 65_537;

/// Whether the modulus, in big-endian bytes, has the fingerprint.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|&prime| is_power_of_generator(remainder(modulus, prime), prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus
        .iter()
        .fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime)
}

fn is_power_of_generator(rest: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 1..prime {
        if power == rest {
            return true;
        }
        power = power * GENERATOR % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplies a big-endian number by a small one and adds another.
    fn multiply_add(number: &mut Vec<u8>, factor: u32, addend: u32) {
        let mut carry = addend;
        for byte in number.iter_mut().rev() {
            carry += u32::from(*byte) * factor;
            *byte = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            number.insert(0, carry as u8);
            carry >>= 8;
        }
    }

    /// A number that is 65537^exponent for each of the small primes, by Chinese remainders.
    fn structured(exponent: u32) -> Vec<u8> {
        let mut number = vec![0];
        let mut product = vec![1];
        for prime in PRIMES {
            let wanted = (0..exponent).fold(1, |power, _| power * GENERATOR % prime);
            let step = remainder(&product, prime);
            let have = remainder(&number, prime);
            let times = (0..prime)
                .find(|times| (have + times * step) % prime == wanted)
                .unwrap();
            for _ in 0..times {
                add(&mut number, &product);
            }
            multiply_add(&mut product, prime, 0);
        }
        number
    }

    fn add(number: &mut Vec<u8>, other: &[u8]) {
        while number.len() < other.len() {
            number.insert(0, 0);
        }
        let mut carry = 0;
        for (i, byte) in number.iter_mut().rev().enumerate() {
            let theirs = other.len().checked_sub(i + 1).map_or(0, |at| other[at]);
            carry += u16::from(*byte) + u16::from(theirs);
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            number.insert(0, carry as u8);
        }
    }

    #[test]
    fn numbers_of_the_structure_have_it() {
        for exponent in [0, 1, 2, 77, 1000] {
            let mut modulus = structured(exponent);
            assert!(has_fingerprint(&modulus), "{exponent}");
            add(&mut modulus, &[2]);
            assert!(!has_fingerprint(&modulus), "{exponent} and two");
        }
    }

    #[test]
    fn a_random_modulus_almost_never_has_it() {
        let chance: f64 = PRIMES
            .iter()
            .map(|&prime| {
                let powers = (1..prime).filter(|&rest| is_power_of_generator(rest, prime));
                powers.count() as f64 / f64::from(prime - 1)
            })
            .product();
        assert!(chance < 1e-8, "one in {}", 1.0 / chance);
    }
}
