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
    /// Prose: comments, messages, reviews. May speak of code and quote it; markup that acts stays
    /// an attack, and so does a value that is no prose and looks like code in two ways.
    FreeText,
    /// Prose with markup: HTML that does nothing by itself. May show code, escaped or between
    /// tags; scripts, event handlers and `javascript:` in tags stay attacks.
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
