use ipnet::IpNet;
use portcullis::secret::SecretString;
use portcullis::signing::webhook::WebhookScheme;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

/// What the environment says.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) port: u16,
    pub(crate) admin_email: String,
    pub(crate) requests_per_minute: NonZeroU32,
    /// How many offenses of a client within ten minutes get it banned.
    pub(crate) ban_after: NonZeroU32,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) store: StoreAddress,
    /// Where the accounts and the notes are kept; in memory where there is none.
    pub(crate) database: Option<PathBuf>,
    pub(crate) jwt_key: Option<SecretString>,
    pub(crate) encryption_keys: Option<SecretString>,
    /// What webhooks are signed with, of each scheme that is taken.
    pub(crate) webhook_secrets: Vec<(WebhookScheme, SecretString)>,
    /// Where mails are put; printed where there is none.
    pub(crate) mail_folder: Option<PathBuf>,
}

/// Where limits, bans and whatever else may expire are kept.
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
        Ok(Self {
            port: parse("PORT", &read("PORT", "3000"), "a port")?,
            admin_email: read("ADMIN_EMAIL", "admin@example.com").to_lowercase(),
            requests_per_minute: number("RATE_LIMIT", &read("RATE_LIMIT", "100"))?,
            ban_after: number("BAN_AFTER", &read("BAN_AFTER", "100"))?,
            trusted_proxies: networks("TRUSTED_PROXIES", &read("TRUSTED_PROXIES", ""))?,
            store: store_address(read("STORE", "memory"))?,
            database,
            jwt_key: set("JWT_KEY").map(SecretString::from),
            encryption_keys,
            webhook_secrets: webhook_secrets(set),
            mail_folder: set("MAIL_DIR").map(PathBuf::from),
        })
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

fn store_address(value: String) -> Result<StoreAddress, String> {
    if value == "memory" {
        return Ok(StoreAddress::Memory);
    }
    // What is wrong is not repeated: it may hold a password.
    match value.split_once("://") {
        Some(("redis" | "rediss", _)) => Ok(StoreAddress::Redis(value.into())),
        _ => Err("STORE is neither memory nor redis://host:port nor rediss://host:port".into()),
    }
}
