//! Providers that many users have an account with, set up as they ask for.

use super::{ClientAuthentication, Endpoints, Provider, ProviderBuilder};
use thiserror::Error;

const GOOGLE: &str = "https://accounts.google.com";
const GITHUB: &str = "https://github.com";
const MICROSOFT: &str = "https://login.microsoftonline.com";

/// Where the dashes of a GUID are.
const DASHES: [usize; 4] = [8, 13, 18, 23];
const GUID_LEN: usize = 36;

/// Why a provider cannot be set up so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PresetError {
    /// The issuer of a tenant has its GUID, and no other name of it.
    #[error(
        "{0:?} is not the GUID of one tenant; names and `common`, `organizations` and \
         `consumers` are not the issuer of any token"
    )]
    Tenant(Box<str>),
}

impl Provider {
    /// Google, as `google`: an OpenID provider.
    ///
    /// Where only the users of one organization may log in, look at the claim `hd` of the
    /// [identity](super::Identity::claim): the parameter of that name is a wish, which the user
    /// can change.
    pub fn google(us: ClientAuthentication) -> ProviderBuilder {
        Self::openid("google", GOOGLE, us)
    }

    /// GitHub, as `github`: plain OAuth 2.0, with
    /// [`secret_post`](ClientAuthentication::secret_post). Its users are known by the number
    /// `id`, for a login can be renamed and taken by somebody else.
    pub fn github(us: ClientAuthentication) -> ProviderBuilder {
        let endpoints = Endpoints::new(
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
        )
        .userinfo("https://api.github.com/user");
        Self::plain_oauth("github", GITHUB, us, endpoints).subject_member("id")
    }

    /// One tenant of Microsoft Entra ID, by its GUID: an OpenID provider, whose issuer has that
    /// GUID. That of personal accounts is `9188040d-6c67-4c5b-b112-36a304b66dad`.
    ///
    /// An application for several tenants has one provider for each that it lets in, with a name
    /// and a redirect URI of its own: what is said by any tenant there is, is said by whoever
    /// makes one.
    ///
    /// # Errors
    /// When the tenant is not a GUID.
    pub fn microsoft(
        name: &str,
        tenant: &str,
        us: ClientAuthentication,
    ) -> Result<ProviderBuilder, PresetError> {
        if !is_guid(tenant) {
            return Err(PresetError::Tenant(tenant.into()));
        }
        let issuer = format!("{MICROSOFT}/{}/v2.0", tenant.to_ascii_lowercase());
        Ok(Self::openid(name, &issuer, us))
    }
}

fn is_guid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match DASHES.contains(&at) {
        true => byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    text.len() == GUID_LEN && text.bytes().enumerate().all(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::client::{FakeAnswer, FakeTransport, HttpClient};

    fn us() -> ClientAuthentication {
        ClientAuthentication::secret_post("app", "s").unwrap()
    }

    fn built(builder: ProviderBuilder) -> Provider {
        let transport = FakeTransport::answering(|_| FakeAnswer::status(404));
        let client = HttpClient::builder().build_over(transport).unwrap();
        let callback = "https://shop.example.com/auth/x/callback";
        builder.redirect_uri(callback).build(client).unwrap()
    }

    #[test]
    fn each_is_known_by_its_own_issuer() {
        let tenant = "72F988BF-86f1-41af-91ab-2d7cd011db47";
        for (builder, name, issuer, is_openid) in [
            (
                Provider::google(us()),
                "google",
                "https://accounts.google.com",
                true,
            ),
            (
                Provider::github(us()),
                "github",
                "https://github.com",
                false,
            ),
            (
                Provider::microsoft("work", tenant, us()).unwrap(),
                "work",
                "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
                true,
            ),
        ] {
            let provider = built(builder);
            assert_eq!(provider.name(), name);
            assert_eq!(provider.issuer(), issuer);
            assert_eq!(provider.is_openid(), is_openid, "{name}");
        }
    }

    #[test]
    fn a_tenant_is_one_tenant() {
        for (name, tenant, expected) in [
            ("a GUID", "9188040d-6c67-4c5b-b112-36a304b66dad", true),
            ("any", "common", false),
            ("any of work", "organizations", false),
            ("any person", "consumers", false),
            ("a template", "{tenantid}", false),
            ("a domain", "contoso.onmicrosoft.com", false),
            ("no dashes", "9188040d6c674c5bb11236a304b66dadaaaa", false),
            ("a path", "9188040d-6c67-4c5b-b112-36a304b66d/x", false),
            ("too long", "9188040d-6c67-4c5b-b112-36a304b66dad/", false),
            ("empty", "", false),
        ] {
            assert_eq!(
                Provider::microsoft("x", tenant, us()).is_ok(),
                expected,
                "{name}"
            );
        }
    }
}
