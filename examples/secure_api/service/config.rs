use ipnet::IpNet;
use std::num::NonZeroU32;

/// What the environment says.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) port: u16,
    pub(crate) admin_email: String,
    pub(crate) requests_per_minute: NonZeroU32,
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Config {
    /// Reads the configuration, and says what is wrong with it rather than guessing.
    pub(crate) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |name: &str, default: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| default.to_owned())
        };
        let port = read("PORT", "3000");
        let limit = read("RATE_LIMIT", "100");
        let proxies = read("TRUSTED_PROXIES", "");
        Ok(Self {
            port: port
                .parse()
                .map_err(|_| format!("PORT is not a port: {port:?}"))?,
            admin_email: read("ADMIN_EMAIL", "admin@example.com").to_lowercase(),
            requests_per_minute: limit
                .parse()
                .map_err(|_| format!("RATE_LIMIT is not a number from 1 up: {limit:?}"))?,
            trusted_proxies: proxies
                .split(',')
                .map(str::trim)
                .filter(|proxy| !proxy.is_empty())
                .map(|proxy| parse_network(proxy).ok_or(proxy))
                .collect::<Result<_, _>>()
                .map_err(|proxy| {
                    format!("TRUSTED_PROXIES holds no network: {proxy:?}; write 10.0.0.0/8")
                })?,
        })
    }
}

fn parse_network(text: &str) -> Option<IpNet> {
    let address = || {
        text.parse()
            .ok()
            .map(|address: std::net::IpAddr| address.into())
    };
    text.parse().ok().or_else(address)
}
