use crate::browser::Origin;
use http::HeaderValue;
use std::collections::BTreeMap;

macro_rules! features {
    ($($variant:ident = $name:literal,)+) => {
        /// A feature of browsers that a page can give up (Permissions Policy), by the name it
        /// has there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Feature {
            $(#[doc = concat!("`", $name, "`.")] $variant,)+
        }

        impl Feature {
            /// Every feature there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name, as the policy writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

features! {
    Accelerometer = "accelerometer",
    Autoplay = "autoplay",
    BrowsingTopics = "browsing-topics",
    Bluetooth = "bluetooth",
    Camera = "camera",
    DisplayCapture = "display-capture",
    EncryptedMedia = "encrypted-media",
    Fullscreen = "fullscreen",
    Geolocation = "geolocation",
    Gyroscope = "gyroscope",
    Hid = "hid",
    IdleDetection = "idle-detection",
    LocalFonts = "local-fonts",
    Magnetometer = "magnetometer",
    Microphone = "microphone",
    Midi = "midi",
    OtpCredentials = "otp-credentials",
    Payment = "payment",
    PictureInPicture = "picture-in-picture",
    PublickeyCredentialsCreate = "publickey-credentials-create",
    PublickeyCredentialsGet = "publickey-credentials-get",
    ScreenWakeLock = "screen-wake-lock",
    Serial = "serial",
    StorageAccess = "storage-access",
    Usb = "usb",
    WebShare = "web-share",
    WindowManagement = "window-management",
    XrSpatialTracking = "xr-spatial-tracking",
}

/// `Permissions-Policy`: which features of the browser the page and its frames may use.
///
/// ```
/// use portcullis::browser::headers::{Feature, PermissionsPolicy};
///
/// let policy = PermissionsPolicy::deny_powerful()
///     .allow_own_pages(Feature::Camera)
///     .allow_own_pages_and(Feature::Payment, ["https://pay.example.com".parse()?]);
/// # Ok::<_, portcullis::browser::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PermissionsPolicy(BTreeMap<Feature, Allowed>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    Nobody,
    OwnPages(Vec<Origin>),
}

/// What reaches out of the page, into the room or to devices, and few pages need.
const POWERFUL: &[Feature] = &[
    Feature::Accelerometer,
    Feature::Bluetooth,
    Feature::BrowsingTopics,
    Feature::Camera,
    Feature::DisplayCapture,
    Feature::Geolocation,
    Feature::Gyroscope,
    Feature::Hid,
    Feature::IdleDetection,
    Feature::Magnetometer,
    Feature::Microphone,
    Feature::Midi,
    Feature::Payment,
    Feature::Serial,
    Feature::Usb,
    Feature::XrSpatialTracking,
];

impl PermissionsPolicy {
    /// Gives up what reaches out of the page: camera, microphone, position, devices,
    /// payment, advertising topics.
    pub fn deny_powerful() -> Self {
        Self::deny(POWERFUL)
    }

    /// Gives up every feature that can be named.
    pub fn deny_all() -> Self {
        Self::deny(Feature::ALL)
    }

    fn deny(features: &[Feature]) -> Self {
        Self(
            features
                .iter()
                .map(|feature| (*feature, Allowed::Nobody))
                .collect(),
        )
    }

    /// Leaves a feature to the pages of this origin.
    pub fn allow_own_pages(self, feature: Feature) -> Self {
        self.allow_own_pages_and(feature, [])
    }

    /// Leaves a feature to the pages of this origin and to frames of these.
    pub fn allow_own_pages_and(
        mut self,
        feature: Feature,
        origins: impl IntoIterator<Item = Origin>,
    ) -> Self {
        let origins = origins.into_iter().collect();
        self.0.insert(feature, Allowed::OwnPages(origins));
        self
    }

    /// A dictionary of inner lists (RFC 9651): `camera=(self "https://a.example"), usb=()`.
    pub(super) fn to_header(&self) -> HeaderValue {
        let member = |(feature, allowed): (&Feature, &Allowed)| {
            let list = match allowed {
                Allowed::Nobody => String::new(),
                Allowed::OwnPages(origins) => {
                    origins.iter().fold("self".to_owned(), |list, origin| {
                        format!("{list} \"{origin}\"")
                    })
                }
            };
            format!("{}=({list})", feature.as_str())
        };
        let members: Vec<_> = self.0.iter().map(member).collect();
        super::header_value(members.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_as_it_is_sent() {
        let policy = PermissionsPolicy(BTreeMap::new())
            .allow_own_pages(Feature::Camera)
            .allow_own_pages_and(Feature::Payment, ["https://pay.example".parse().unwrap()]);
        assert_eq!(
            policy.to_header(),
            r#"camera=(self), payment=(self "https://pay.example")"#
        );
        let all = PermissionsPolicy::deny_all().to_header();
        assert_eq!(
            all.to_str().unwrap().matches("=()").count(),
            Feature::ALL.len()
        );
        let powerful = PermissionsPolicy::deny_powerful().to_header();
        assert!(powerful.to_str().unwrap().contains("microphone=()"));
    }
}
