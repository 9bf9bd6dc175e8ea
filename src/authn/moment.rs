use crate::clock::Timestamp;
use crate::principal::Authentication;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment to the millisecond, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.unix_duration().as_millis();
        serializer.serialize_u64(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = std::time::Duration::from_millis(u64::deserialize(deserializer)?);
        Ok(Self(Timestamp::from_unix_duration(millis)))
    }
}

/// When a proof was shown, where that is not when it was given.
pub(super) fn shown_apart(proof: &Authentication) -> Option<Moment> {
    let shown = proof.shown_at();
    (shown != proof.time()).then_some(Moment(shown))
}
