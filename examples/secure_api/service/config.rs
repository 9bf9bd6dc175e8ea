use http::Uri;
use ipnet::IpNet;
use portcullis::secret::SecretString;
use portcullis::signing::webhook::WebhookScheme;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// What the environment says.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) port: u16,
    pub(crate) admin_email: String,
    pub(crate) requests_per_minute: NonZeroU32,
    /// Who is of which department, by the address of the account.
    pub(crate) staff: Arc<[Staff]>,
    /// The folder of the policies.
    pub(crate) policies: PathBuf,
    /// How many offenses of a client within ten minutes get it banned.
    pub(crate) ban_after: NonZeroU32,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How clients call this service, where a proxy stands before it: what they sign.
    pub(crate) origin: Option<Uri>,
    /// Where is kept what may expire, and is written for who has logged in.
    pub(crate) store: StoreAddress,
    /// Where is kept what strangers cause: limits, bans, failed logins.
    pub(crate) anonymous_store: Option<StoreAddress>,
    /// Where the accounts and the notes are kept; in memory where there is none.
    pub(crate) database: Option<PathBuf>,
    pub(crate) jwt_key: Option<SecretString>,
    pub(crate) encryption_keys: Option<SecretString>,
    /// What webhooks are signed with, of each scheme that is taken.
    pub(crate) webhook_secrets: Vec<(WebhookScheme, SecretString)>,
    /// Where mails are put; printed where there is none.
    pub(crate) mail_folder: Option<PathBuf>,
    /// Whom users can log in with, beside their passwords.
    pub(crate) oidc: Option<OidcConfig>,
}

/// An OpenID provider, and what this service is to it.
#[derive(Clone, Debug)]
pub(crate) struct OidcConfig {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretString>,
}

/// One who is of a department.
#[derive(Clone, Debug)]
pub(crate) struct Staff {
    pub(crate) email: String,
    pub(crate) department: String,
    pub(crate) is_manager: bool,
}

/// Where something is kept that may expire.
#[derive(Clone, Debug)]
pub(crate) enum StoreAddress {
    Memory,
    /// A URL, which may hold a password.
    Redis(SecretString),
}

/// Whatever a process encrypts with keys of its own, no other opens.
const KEYS_MISSING: &str = "DATABASE is set and PORTCULLIS_KEYS is not, so nobody could read \
    the database after this process: make keys with `cargo run --example secure_api --features \
    full -- new-keys`, keep what it prints, and set PORTCULLIS_KEYS to it";

/// The policies that come with the example.
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/policies");

impl Config {
    /// Reads the configuration, and says what is wrong with it rather than guessing.
    pub(crate) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let read = |name: &str, default: &str| set(name).unwrap_or_else(|| default.to_owned());
        let database = set("DATABASE").map(PathBuf::from);
        let encryption_keys = set("PORTCULLIS_KEYS").map(SecretString::from);
        if database.is_some() && encryption_keys.is_none() {
            return Err(KEYS_MISSING.to_owned());
        }
        let store = store_address("STORE", read("STORE", "memory"))?;
        let anonymous_store = set("ANONYMOUS_STORE")
            .map(|value| store_address("ANONYMOUS_STORE", value))
            .transpose()?;
        Ok(Self {
            port: parse("PORT", &read("PORT", "3000"), "a port")?,
            admin_email: read("ADMIN_EMAIL", "admin@example.com").to_lowercase(),
            staff: staff(&read("STAFF", ""))?,
            policies: PathBuf::from(read("POLICIES", POLICIES)),
            requests_per_minute: number("RATE_LIMIT", &read("RATE_LIMIT", "100"))?,
            ban_after: number("BAN_AFTER", &read("BAN_AFTER", "100"))?,
            trusted_proxies: networks("TRUSTED_PROXIES", &read("TRUSTED_PROXIES", ""))?,
            origin: set("ORIGIN").map(|value| origin(&value)).transpose()?,
            store,
            anonymous_store,
            database,
            jwt_key: set("JWT_KEY").map(SecretString::from),
            encryption_keys,
            webhook_secrets: webhook_secrets(set),
            mail_folder: set("MAIL_DIR").map(PathBuf::from),
            oidc: oidc(set)?,
        })
    }
}

/// `ann@example.com=sales,bob@example.com=sales:manager`.
fn staff(text: &str) -> Result<Arc<[Staff]>, String> {
    let entries = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let staff = entries.map(|entry| {
        let wrong = || format!("STAFF: {entry:?} is not understood; write ann@example.com=sales");
        let (email, place) = entry.split_once('=').ok_or_else(wrong)?;
        let (department, rank) = match place.split_once(':') {
            None => (place, None),
            Some((department, rank)) => (department, Some(rank)),
        };
        match rank {
            None | Some("manager") if !department.is_empty() => Ok(Staff {
                email: email.to_lowercase(),
                department: department.to_owned(),
                is_manager: rank.is_some(),
            }),
            _ => Err(wrong()),
        }
    });
    staff.collect()
}

/// `OIDC_ISSUER` and `OIDC_CLIENT_ID` go together; a client may have no secret.
fn oidc(set: impl Fn(&str) -> Option<String>) -> Result<Option<OidcConfig>, String> {
    match (set("OIDC_ISSUER"), set("OIDC_CLIENT_ID")) {
        (Some(issuer), Some(client_id)) => Ok(Some(OidcConfig {
            issuer,
            client_id,
            client_secret: set("OIDC_CLIENT_SECRET").map(SecretString::from),
        })),
        (None, None) => Ok(None),
        _ => Err("OIDC_ISSUER and OIDC_CLIENT_ID are set together or not at all".to_owned()),
    }
}

/// `WEBHOOK_SECRET_STRIPE` and the like.
fn webhook_secrets(set: impl Fn(&str) -> Option<String>) -> Vec<(WebhookScheme, SecretString)> {
    let schemes = WebhookScheme::ALL.iter();
    let secret = |scheme: &WebhookScheme| {
        let name = scheme.as_str().to_uppercase().replace('-', "_");
        Some((*scheme, set(&format!("WEBHOOK_SECRET_{name}"))?.into()))
    };
    schemes.filter_map(secret).collect()
}

fn parse<T: FromStr>(name: &str, value: &str, what: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name} is not {what}: {value:?}"))
}

fn number(name: &str, value: &str) -> Result<NonZeroU32, String> {
    parse(name, value, "a number from 1 up")
}

fn networks(name: &str, value: &str) -> Result<Vec<IpNet>, String> {
    let networks = value.split(',').map(str::trim).filter(|it| !it.is_empty());
    networks
        .map(|network| {
            let address = || network.parse().map(|address: IpAddr| address.into());
            let parsed: IpNet = network
                .parse()
                .or_else(|_| address())
                .map_err(|_| format!("{name} holds no network: {network:?}; write 10.0.0.0/8"))?;
            // A slip of the pen must not trust a whole network.
            match parsed.trunc() {
                same if same == parsed => Ok(parsed),
                whole => Err(format!(
                    "{name}: {network} is an address in {whole}; write one or the other"
                )),
            }
        })
        .collect()
}

fn origin(value: &str) -> Result<Uri, String> {
    let uri: Uri = parse("ORIGIN", value, "an origin")?;
    let is_origin = uri.path_and_query().is_none_or(|it| it.as_str() == "/");
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) if is_origin => Ok(uri),
        _ => Err(format!(
            "ORIGIN is not an origin: {value:?}; write https://api.example.com"
        )),
    }
}

fn store_address(name: &str, value: String) -> Result<StoreAddress, String> {
    if value == "memory" {
        return Ok(StoreAddress::Memory);
    }
    // What is wrong is not repeated: it may hold a password.
    match value.split_once("://") {
        Some(("redis" | "rediss", _)) => Ok(StoreAddress::Redis(value.into())),
        _ => Err(format!(
            "{name} is neither memory nor redis://host:port nor rediss://host:port"
        )),
    }
}
