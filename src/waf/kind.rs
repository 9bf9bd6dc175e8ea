use serde::{Deserialize, Serialize};

/// What a field may hold, as the application says. Without a word, a field is held to be a
/// plain value: nothing that is syntax elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldKind {
    /// A plain value: a name, a number, a date, a search.
    #[default]
    Plain,
    /// Prose: comments, messages, reviews. May quote and mention what would be odd elsewhere;
    /// what only adds up to an attack passes, what is one by itself does not.
    FreeText,
    /// Prose with markup: HTML that does nothing by itself. Scripts, event handlers and
    /// `javascript:` stay attacks.
    RichText,
    /// Source code, queries, templates, policies, formulas. Nothing that is code counts.
    Code,
    /// A URL of a public host.
    Url,
    /// Base64 of something that is no text, such as an image: not decoded.
    Base64,
    /// The content of a file.
    File,
    /// Anything at all: a password, a token, a ciphertext. Not looked at.
    Opaque,
}
