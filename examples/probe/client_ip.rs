use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use portcullis::net::client_ip::{ProxyTrust, Unresolved, rate_key};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::net::{IpAddr, SocketAddr};

#[derive(Deserialize)]
struct Record {
    peer: Option<String>,
    headers: Option<Vec<(String, String)>>,
    mode: String,
    trusted_proxies: Option<Vec<String>>,
    trusted_hops: Option<u64>,
}

pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let record = Record::deserialize(record).map_err(|error| error.to_string())?;
    let client_ip = client_ip(record)?;
    Ok(Map::from_iter([("client_ip".to_owned(), client_ip.into())]))
}

fn client_ip(record: Record) -> Result<String, String> {
    let peer = record.peer.as_deref().map(parse_peer).transpose()?;
    let proxies = record.trusted_proxies.unwrap_or_default();
    let proxies: Vec<_> = proxies
        .iter()
        .map(|range| parse_range(range))
        .collect::<Result<_, _>>()?;
    let trust = match record.mode.as_str() {
        "rate-key" => return Ok(rate_key(peer.ok_or("no peer")?).to_string()),
        "xff" => ProxyTrust::x_forwarded_for(proxies),
        "xff-hops" => {
            let hops = record.trusted_hops.ok_or("no trusted_hops")?;
            match ProxyTrust::hops(u8::try_from(hops).unwrap_or(u8::MAX)) {
                Ok(trust) => trust,
                Err(_) => return Ok("LIMIT".to_owned()),
            }
        }
        "forwarded" => ProxyTrust::forwarded(proxies),
        other => {
            let name = other
                .strip_prefix("single:")
                .ok_or_else(|| format!("there is no mode {other:?}"))?;
            ProxyTrust::header(parse_name(name)?, proxies)
        }
    };
    let mut headers = HeaderMap::new();
    for (name, value) in record.headers.unwrap_or_default() {
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("{value:?} cannot be the value of a header"))?;
        headers.append(parse_name(&name)?, value);
    }
    match trust.client_ip(peer, &headers) {
        Ok(address) => Ok(address.to_string()),
        Err(Unresolved::Short) => Ok("SHORT".to_owned()),
        Err(Unresolved::TooManyHops) => Ok("LIMIT".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// An address, with or without a port.
fn parse_peer(peer: &str) -> Result<IpAddr, String> {
    peer.parse()
        .or_else(|_| peer.parse().map(|address: SocketAddr| address.ip()))
        .map_err(|_| format!("{peer:?} is not the address of a peer"))
}

/// A range, or one address.
fn parse_range(range: &str) -> Result<IpNet, String> {
    range
        .parse()
        .or_else(|_| range.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{range:?} is not a range of addresses"))
}

fn parse_name(name: &str) -> Result<HeaderName, String> {
    name.parse()
        .map_err(|_| format!("{name:?} cannot be the name of a header"))
}
