use serde::{Serialize, Serializer};
use std::fmt;

/// Each variant with its name.
macro_rules! classes {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// What kind of attack a rule looks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Class {
            $($(#[$doc])+ $variant,)+
        }

        impl Class {
            /// Every class there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name, as events and metrics carry it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

classes! {
    /// SQL injection (CWE-89).
    Sqli = "sqli";
    /// Cross-site scripting and HTML injection (CWE-79).
    Xss = "xss";
    /// Commands for a shell: sh, cmd, PowerShell (CWE-78).
    Rce = "rce";
    /// Path traversal and reads of sensitive files (CWE-22).
    Lfi = "lfi";
    /// Inclusion of remote files (CWE-98).
    Rfi = "rfi";
    /// Requests sent on to inner hosts (CWE-918).
    Ssrf = "ssrf";
    /// PHP code, wrappers and serialized objects (CWE-94, CWE-502).
    Php = "php";
    /// Java code, expression languages, JNDI lookups, serialized objects (CWE-917, CWE-502).
    Java = "java";
    /// JavaScript run on a server (CWE-94).
    Nodejs = "nodejs";
    /// Pollution of JavaScript prototypes (CWE-1321).
    ProtoPollution = "proto-pollution";
    /// Template injection (CWE-1336).
    Ssti = "ssti";
    /// Operators of document databases (CWE-943).
    Nosql = "nosql";
    /// LDAP filters (CWE-90).
    Ldap = "ldap";
    /// XPath and XQuery (CWE-643).
    Xpath = "xpath";
    /// External entities and document types in XML (CWE-611, CWE-776).
    Xxe = "xxe";
    /// Server-side and edge-side includes (CWE-97).
    Ssi = "ssi";
    /// Line breaks that split headers, requests or responses (CWE-93, CWE-113, CWE-444).
    Crlf = "crlf";
    /// Session ids planted by somebody else (CWE-384).
    SessionFixation = "session-fixation";
    /// Commands for mail servers, and mail headers (CWE-77).
    Mail = "mail";
    /// Abuse of GraphQL: introspection, batches, depth.
    Graphql = "graphql";
    /// Scanners and bots that attack.
    Scanner = "scanner";
    /// Requests that two parsers would read differently, or none should read (CWE-436).
    Protocol = "protocol";
    /// What fits no other class.
    Generic = "generic";
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, UnknownClass> {
        let mut all = Self::ALL.iter().copied();
        all.find(|class| class.as_str() == name)
            .ok_or_else(|| UnknownClass(name.into()))
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// No class has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no class of attack; `Class::ALL` lists them")]
pub struct UnknownClass(Box<str>);
