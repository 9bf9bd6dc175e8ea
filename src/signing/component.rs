use super::Fault;
use super::fields;
use http::HeaderName;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What a component is the value of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    QueryParam,
    Status,
    Field(HeaderName),
}

impl Name {
    fn read(name: &str) -> Result<Self, Fault> {
        let bad = || Fault::BadComponent(name.into());
        Ok(match name {
            "@method" => Self::Method,
            "@target-uri" => Self::TargetUri,
            "@authority" => Self::Authority,
            "@scheme" => Self::Scheme,
            "@request-target" => Self::RequestTarget,
            "@path" => Self::Path,
            "@query" => Self::Query,
            "@query-param" => Self::QueryParam,
            "@status" => Self::Status,
            // Those that almost all signatures cover, without a copy of the name.
            "content-digest" => Self::Field(super::digest::CONTENT_DIGEST),
            "content-type" => Self::Field(http::header::CONTENT_TYPE),
            field => {
                // A header name of the `http` crate is lowercased, and must be here already.
                if field.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(bad());
                }
                Self::Field(HeaderName::from_bytes(field.as_bytes()).map_err(|_| bad())?)
            }
        })
    }

    const fn is_field(&self) -> bool {
        matches!(self, Self::Field(_))
    }
}

/// The parameters of a component that are there or not.
pub(super) mod flag {
    pub(in crate::signing) const STRUCTURED: u8 = 1;
    pub(in crate::signing) const BYTES: u8 = 2;
    pub(in crate::signing) const OF_REQUEST: u8 = 4;
    pub(in crate::signing) const TRAILER: u8 = 8;
}

/// A component, whatever the order of its parameters: two of one identity are one component
/// (RFC 9421 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: Name,
    pub(super) flags: u8,
    /// `key` of a field, `name` of a query parameter.
    pub(super) argument: Option<Box<str>>,
}

impl Identity {
    pub(super) fn named(name: &str) -> Result<Self, Fault> {
        Ok(Self {
            name: Name::read(name)?,
            flags: 0,
            argument: None,
        })
    }

    /// Takes one parameter: `text` is the value where it is a string, and `None` where it is
    /// the boolean true.
    pub(super) fn parameter(&mut self, key: &str, text: Option<&str>) -> Result<(), Fault> {
        let flag = match (key, text) {
            ("sf", None) => flag::STRUCTURED,
            ("bs", None) => flag::BYTES,
            ("req", None) => flag::OF_REQUEST,
            ("tr", None) => flag::TRAILER,
            ("key", Some(text)) if self.name.is_field() => return self.argue(text),
            ("name", Some(text)) if self.name == Name::QueryParam => return self.argue(text),
            _ => return Err(self.bad()),
        };
        if self.flags & flag != 0 {
            return Err(Fault::Duplicate("a parameter of a component"));
        }
        self.flags |= flag;
        Ok(())
    }

    fn argue(&mut self, text: &str) -> Result<(), Fault> {
        if self.argument.replace(text.into()).is_some() {
            return Err(Fault::Duplicate("a parameter of a component"));
        }
        Ok(())
    }

    /// Whether the parameters make sense together, once all are there.
    pub(super) fn checked(self) -> Result<Self, Fault> {
        let has = |flag| self.flags & flag != 0;
        let fits = match self.name {
            Name::Field(_) => {
                let is_parsed = has(flag::STRUCTURED) || self.argument.is_some();
                !(has(flag::BYTES) && is_parsed)
            }
            Name::QueryParam => self.argument.is_some() && self.flags & !flag::OF_REQUEST == 0,
            // A request has no status.
            Name::Status => self.flags == 0,
            _ => self.flags & !flag::OF_REQUEST == 0,
        };
        if fits { Ok(self) } else { Err(self.bad()) }
    }

    fn bad(&self) -> Fault {
        Fault::BadComponent(self.shown().into())
    }

    /// The name, for people.
    pub(super) fn shown(&self) -> &str {
        match &self.name {
            Name::Method => "@method",
            Name::TargetUri => "@target-uri",
            Name::Authority => "@authority",
            Name::Scheme => "@scheme",
            Name::RequestTarget => "@request-target",
            Name::Path => "@path",
            Name::Query => "@query",
            Name::QueryParam => "@query-param",
            Name::Status => "@status",
            Name::Field(name) => name.as_str(),
        }
    }

    pub(super) const fn is_of_request(&self) -> bool {
        self.flags & flag::OF_REQUEST != 0
    }

    pub(super) const fn is_trailer(&self) -> bool {
        self.flags & flag::TRAILER != 0
    }
}

/// Something of a message that a signature can cover (RFC 9421 section 2).
///
/// It reads from text as it stands in `Signature-Input`, quotes and parameters included; a name
/// alone needs no quotes.
///
/// ```
/// use portcullis::signing::Component;
///
/// let method: Component = "@method".parse()?;
/// assert_eq!(method.to_string(), r#""@method""#);
/// let one: Component = r#""@query-param";name="Pet""#.parse()?;
/// assert_eq!(one.to_string(), r#""@query-param";name="Pet""#);
/// assert!("Date".parse::<Component>().is_err(), "names are lowercase");
/// assert!(r#""date";bs;sf"#.parse::<Component>().is_err());
/// # Ok::<(), portcullis::signing::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct Component {
    pub(super) identity: Identity,
    pub(super) id: Cow<'static, str>,
}

macro_rules! derived {
    ($($(#[$doc:meta])+ $function:ident = $name:ident $text:literal;)+) => {
        impl Component {
            $($(#[$doc])+
            #[must_use]
            pub const fn $function() -> Self {
                Self {
                    identity: Identity { name: Name::$name, flags: 0, argument: None },
                    id: Cow::Borrowed(concat!("\"", $text, "\"")),
                }
            })+
        }
    };
}

derived! {
    /// `@method`: the method.
    method = Method "@method";
    /// `@target-uri`: the whole target, from the scheme to the query.
    target_uri = TargetUri "@target-uri";
    /// `@authority`: host and port, normalized.
    authority = Authority "@authority";
    /// `@scheme`: `https`.
    scheme = Scheme "@scheme";
    /// `@request-target`: the path with the query.
    request_target = RequestTarget "@request-target";
    /// `@path`: the path.
    path = Path "@path";
    /// `@query`: the query with its question mark.
    query = Query "@query";
    /// `@status`: the status of a response.
    status = Status "@status";
}

impl Component {
    /// A header, all its values together.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self {
            id: Cow::Owned(format!("\"{name}\"")),
            identity: Identity {
                name: Name::Field(name),
                flags: 0,
                argument: None,
            },
        }
    }

    /// The same of the request that a response answers (`req`).
    ///
    /// # Errors
    /// When it is of the request already, or `@status`, which no request has.
    pub fn of_request(mut self) -> Result<Self, Fault> {
        self.identity.parameter("req", None)?;
        self.identity = self.identity.checked()?;
        self.id = Cow::Owned(format!("{};req", self.id));
        Ok(self)
    }

    /// How it stands in `Signature-Input`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

/// Whatever the order of their parameters.
impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Component {}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl FromStr for Component {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.starts_with('"') {
            return fields::component(text);
        }
        let identity = Identity::named(text)?.checked()?;
        Ok(Self {
            id: Cow::Owned(format!("\"{text}\"")),
            identity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_and_what_there_is_not() {
        for (text, is_good) in [
            ("@method", true),
            ("date", true),
            ("x-custom", true),
            ("\"date\"", true),
            ("\"date\";sf", true),
            ("\"date\";bs", true),
            ("\"date\";bs;req", true),
            ("\"x\";key=\"a\"", true),
            ("\"x\";key=\"a\";sf", true),
            ("\"x\";tr", true),
            ("\"@method\";req", true),
            ("\"@query-param\";name=\"a\"", true),
            ("\"@query-param\";name=\"a\";req", true),
            ("", false),
            ("@signature-params", false),
            ("\"@signature-params\"", false),
            ("@unknown", false),
            ("Date", false),
            ("\"Date\"", false),
            ("date time", false),
            ("\"date\";sf=?0", false),
            ("\"date\";sf=1", false),
            ("\"date\";sf=\"x\"", false),
            ("\"date\";sf;sf", false),
            ("\"date\";sf;bs", false),
            ("\"date\";bs;key=\"a\"", false),
            ("\"date\";key", false),
            ("\"date\";key=a", false),
            ("\"date\";key=\"a\";key=\"b\"", false),
            ("\"date\";name=\"a\"", false),
            ("\"date\";unknown", false),
            ("\"@method\";sf", false),
            ("\"@method\";tr", false),
            ("\"@query-param\"", false),
            ("\"@query-param\";key=\"a\"", false),
            ("\"@status\";req", false),
            ("\"date\" ;sf", false),
            ("\"date\", \"x\"", false),
            ("date;sf", false),
        ] {
            let read = text.parse::<Component>();
            assert_eq!(read.is_ok(), is_good, "{text}: {read:?}");
        }
    }

    #[test]
    fn the_order_of_parameters_is_kept_and_does_not_count() {
        let one: Component = "\"x\";req;key=\"a\"".parse().unwrap();
        let other: Component = "\"x\";key=\"a\";req".parse().unwrap();
        assert_eq!(one, other);
        assert_ne!(one.to_string(), other.to_string());
        assert_eq!(
            Component::method().of_request().unwrap().to_string(),
            "\"@method\";req"
        );
    }
}
