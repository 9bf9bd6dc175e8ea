use super::{Component, Fault, Message};
use http::HeaderName;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

/// A signature that the other side asks for (`Accept-Signature`, RFC 9421 section 5).
#[derive(Clone, Debug)]
pub struct RequestedSignature {
    label: String,
    components: Vec<Component>,
    parameters: Vec<String>,
    tag: Option<String>,
    key_id: Option<String>,
}

impl RequestedSignature {
    /// What a message asks for; nothing where it does not.
    ///
    /// # Errors
    /// When the field is malformed, or asks for a component that there is not.
    pub fn all_of(message: &Message<'_>) -> Result<Vec<Self>, Fault> {
        const MALFORMED: Fault = Fault::Malformed("Accept-Signature");
        let mut text = Vec::new();
        for (index, line) in message
            .headers()
            .get_all(ACCEPT_SIGNATURE)
            .iter()
            .enumerate()
        {
            if index > 0 {
                text.extend_from_slice(b", ");
            }
            text.extend_from_slice(line.as_bytes());
        }
        if text.len() > super::fields::MAX_FIELD_LEN {
            return Err(Fault::TooMuch("Accept-Signature"));
        }
        let all: Dictionary = Parser::new(&text).parse().map_err(|_| MALFORMED)?;
        if all.len() > super::fields::MAX_SIGNATURES {
            return Err(Fault::TooMuch("signatures"));
        }
        let mut requested = Vec::with_capacity(all.len());
        for (label, member) in all {
            let ListEntry::InnerList(list) = member else {
                return Err(MALFORMED);
            };
            let mut components: Vec<Component> = Vec::with_capacity(list.items.len());
            for item in &list.items {
                let component: Component = sfv::FieldType::serialize(item).parse()?;
                if components.contains(&component) {
                    return Err(Fault::Duplicate("a component"));
                }
                components.push(component);
            }
            let text = |name: &str| match list.params.get(name) {
                Some(BareItem::String(text)) => Some(text.as_str().to_owned()),
                _ => None,
            };
            requested.push(Self {
                label: label.as_str().to_owned(),
                components,
                tag: text("tag"),
                key_id: text("keyid"),
                parameters: list.params.keys().map(ToString::to_string).collect(),
            });
        }
        Ok(requested)
    }

    /// The label to sign under.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What to cover. Look at it before you sign: the other side chose it.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether a parameter is asked for, such as `nonce`.
    #[must_use]
    pub fn asks_for(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|name| name == parameter)
    }

    /// The tag to sign for.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The key to sign by.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Policy;
    use http::{HeaderMap, Method, Uri};

    #[test]
    fn what_is_asked_is_read() {
        let mut headers = HeaderMap::new();
        let ours = Policy::request().tag("orders").unwrap();
        let ours = ours.accept_signature().unwrap();
        headers.append(ACCEPT_SIGNATURE, ours);
        // RFC 9421 section 5.1.
        let theirs = r#"sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");keyid="test-key-rsa-pss";created;tag="app-123""#;
        headers.append(ACCEPT_SIGNATURE, theirs.parse().unwrap());
        let uri = Uri::from_static("/");
        let message = Message::of_request(&Method::GET, &uri, &headers);
        let asked = RequestedSignature::all_of(&message).unwrap();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0].components().len(), 3);
        assert!(asked[0].asks_for("nonce") && asked[0].tag() == Some("orders"));
        assert_eq!(asked[1].label(), "sig1");
        assert_eq!(asked[1].components()[4].to_string(), "\"cache-control\"");
        assert!(!asked[1].asks_for("nonce") && asked[1].asks_for("created"));
        assert_eq!(asked[1].key_id(), Some("test-key-rsa-pss"));
    }
}
