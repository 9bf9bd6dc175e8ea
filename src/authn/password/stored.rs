use super::argon2id::{from_argon2, from_phc};
use super::{HashError, Parameters};
use argon2::password_hash::phc::{self, Output, Salt};
use argon2::{Algorithm, KeyId, Version};

/// The longest PHC string that is read, far above any that Argon2 makes.
const MAX_HASH: usize = 512;

/// A stored Argon2 hash, taken apart.
pub(super) struct Stored {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) parameters: Parameters,
    keyid: Option<KeyId>,
    pub(super) salt: Salt,
    pub(super) output: Output,
}

impl Stored {
    /// Reads `$argon2id$v=19$m=…,t=…,p=…[,keyid=…]$salt$hash`: nothing left out, in this
    /// order, as the reference implementation reads it. A hash without a version is of version
    /// 16, which had no number.
    pub(super) fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > MAX_HASH {
            return Err(HashError::Malformed);
        }
        let phc = phc::PasswordHash::new(text).map_err(from_phc)?;
        let version = phc.version.unwrap_or(Version::V0x10.into());
        let mut params = phc.params.iter();
        let mut number = |name| {
            params
                .next()
                .filter(|(found, _)| found.as_str() == name)
                .and_then(|(_, value)| value.decimal().ok())
                .ok_or(HashError::Malformed)
        };
        let parameters = Parameters::unchecked(number("m")?, number("t")?, number("p")?);
        let keyid = params
            .next()
            .map(|(name, value)| match name.as_str() {
                "keyid" => KeyId::from_b64(value.as_str()).map_err(from_argon2),
                _ => Err(HashError::Malformed),
            })
            .transpose()?;
        if !parameters.is_valid() || params.next().is_some() {
            return Err(HashError::Malformed);
        }
        Ok(Self {
            algorithm: Algorithm::try_from(phc.algorithm.as_str())
                .map_err(|_| HashError::Malformed)?,
            version: Version::try_from(version).map_err(from_argon2)?,
            parameters,
            keyid,
            salt: phc.salt.ok_or(HashError::Malformed)?,
            output: phc.hash.ok_or(HashError::Malformed)?,
        })
    }

    /// The pepper that it names.
    pub(super) fn pepper_id(&self) -> Option<&[u8]> {
        self.keyid.as_ref().map(KeyId::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_as_it_should_be_is_refused() {
        let tail = "c29tZXNhbHRzb21lc2FsdA$Sr6N/nCmohWCvF7EZislLIdwA8ojCXux0K30ccqFS30";
        let malformed = [
            ("nothing", "$argon2id".to_owned()),
            ("no parameters", format!("$argon2id$v=19${tail}")),
            (
                "no output",
                "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA".to_owned(),
            ),
            ("no salt", "$argon2id$v=19$m=64,t=2,p=1".to_owned()),
            (
                "another variant",
                format!("$argon2x$v=19$m=64,t=2,p=1${tail}"),
            ),
            (
                "another version",
                format!("$argon2id$v=20$m=64,t=2,p=1${tail}"),
            ),
            (
                "a parameter missing",
                format!("$argon2id$v=19$m=64,t=2${tail}"),
            ),
            (
                "a parameter twice",
                format!("$argon2id$v=19$m=64,m=64,t=2,p=1${tail}"),
            ),
            (
                "another order",
                format!("$argon2id$v=19$t=2,m=64,p=1${tail}"),
            ),
            (
                "an unknown parameter",
                format!("$argon2id$v=19$m=64,t=2,p=1,x=1${tail}"),
            ),
            (
                "associated data",
                format!("$argon2id$v=19$m=64,t=2,p=1,data=aa${tail}"),
            ),
            (
                "a parameter after the last",
                format!("$argon2id$v=19$m=64,t=2,p=1,keyid=azE,x=1${tail}"),
            ),
            (
                "a leading zero",
                format!("$argon2id$v=19$m=064,t=2,p=1${tail}"),
            ),
            ("a sign", format!("$argon2id$v=19$m=+64,t=2,p=1${tail}")),
            (
                "a number too large",
                format!("$argon2id$v=19$m=4294967296,t=2,p=1${tail}"),
            ),
            ("no memory", format!("$argon2id$v=19$m=0,t=2,p=1${tail}")),
            ("no pass", format!("$argon2id$v=19$m=64,t=0,p=1${tail}")),
            ("no lane", format!("$argon2id$v=19$m=64,t=2,p=0${tail}")),
            (
                "less memory than the lanes need",
                format!("$argon2id$v=19$m=64,t=2,p=9${tail}"),
            ),
            (
                "too many lanes",
                format!("$argon2id$v=19$m=65536,t=2,p=65${tail}"),
            ),
            (
                "something after it",
                format!("$argon2id$v=19$m=64,t=2,p=1${tail}$x"),
            ),
            (
                "a line feed after it",
                format!("$argon2id$v=19$m=64,t=2,p=1${tail}\n"),
            ),
            ("padding", format!("$argon2id$v=19$m=64,t=2,p=1${tail}=")),
            (
                "a salt too short",
                "$argon2id$v=19$m=64,t=2,p=1$c2FsdA$Sr6N/nCmohWCvF7EZislLA".to_owned(),
            ),
            (
                "a long tail",
                format!("$argon2id$v=19$m=64,t=2,p=1${tail}{}", "A".repeat(1000)),
            ),
        ];
        for (name, hash) in malformed {
            let read = Stored::parse(&hash).map(drop);
            assert_eq!(read, Err(HashError::Malformed), "{name}");
        }
        assert!(Stored::parse(&format!("$argon2id$v=19$m=64,t=2,p=1${tail}")).is_ok());
    }
}
