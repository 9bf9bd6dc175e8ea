use super::{HtmlError, Policy, preset};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

/// A policy as a type, for [`Html`]. Implement it for a type of your own that has no values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the name of an HTML policy",
    note = "use `TextOnly`, `Basic`, `Comment` or `RichText`, or implement `HtmlPolicy`"
)]
pub trait HtmlPolicy: 'static {
    /// The policy: built once and kept.
    fn policy() -> &'static Policy;
}

macro_rules! presets {
    ($($(#[$doc:meta])+ $name:ident, $function:ident = $policy:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Copy, Debug)]
            #[expect(clippy::exhaustive_enums, reason = "has no values, and never will")]
            pub enum $name {}

            impl HtmlPolicy for $name {
                fn policy() -> &'static Policy {
                    &preset::$policy
                }
            }
        )+

        impl Policy {
            $(
                $(#[$doc])+
                #[must_use]
                pub fn $function() -> Self {
                    $name::policy().clone()
                }
            )+
        }
    };
}

presets! {
    /// Keeps text alone, without any element.
    TextOnly, text_only = TEXT_ONLY;
    /// Keeps marks within text (`b`, `em`, `code`, `sub`...), paragraphs, lists and quotations.
    /// No links, no images.
    Basic, basic = BASIC;
    /// Keeps what [`Basic`] does, and links, which say that they come from users. No images.
    Comment, comment = COMMENT;
    /// Keeps what an editor of articles makes: links, images, headings, tables, figures.
    RichText, rich_text = RICH_TEXT;
}

/// HTML that is clean by the policy `P`, because there is no other way to make one: not from
/// a request, and not from a database, whose content may be older than the policy.
///
/// ```
/// use portcullis::input::html::{Comment, Html};
///
/// #[derive(serde::Deserialize)]
/// struct Note {
///     text: Html<Comment>,
/// }
///
/// let note: Note = serde_json::from_str(r#"{"text": "<b onclick='x()'>Hi</b><script>y()</script>"}"#)?;
/// assert_eq!(note.text.as_str(), "<b>Hi</b>");
///
/// let deep = format!(r#"{{"text": "{}"}}"#, "<div>".repeat(10_000));
/// assert!(serde_json::from_str::<Note>(&deep).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Html<P> {
    html: String,
    policy: PhantomData<fn() -> P>,
}

impl<P: HtmlPolicy> Html<P> {
    /// Cleans a text.
    ///
    /// # Errors
    /// When the text is too large, nested too deeply, or would take too long.
    pub fn clean(html: &str) -> Result<Self, HtmlError> {
        Ok(Self {
            html: P::policy().clean(html)?,
            policy: PhantomData,
        })
    }
}

impl<P> Html<P> {
    /// The clean HTML, to be put between the tags of a page as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.html
    }

    /// The clean HTML.
    #[must_use]
    pub fn into_string(self) -> String {
        self.html
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.html.is_empty()
    }
}

impl<P> Clone for Html<P> {
    fn clone(&self) -> Self {
        Self {
            html: self.html.clone(),
            policy: PhantomData,
        }
    }
}

impl<P> Default for Html<P> {
    fn default() -> Self {
        Self {
            html: String::new(),
            policy: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Html<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Html").field(&self.html).finish()
    }
}

impl<P> fmt::Display for Html<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.html)
    }
}

impl<P> PartialEq for Html<P> {
    fn eq(&self, other: &Self) -> bool {
        self.html == other.html
    }
}

impl<P> Eq for Html<P> {}

impl<P> PartialOrd for Html<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for Html<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.html.cmp(&other.html)
    }
}

impl<P> Hash for Html<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.html.hash(state);
    }
}

impl<P> AsRef<str> for Html<P> {
    fn as_ref(&self) -> &str {
        &self.html
    }
}

impl<P: HtmlPolicy> FromStr for Html<P> {
    type Err = HtmlError;

    fn from_str(html: &str) -> Result<Self, HtmlError> {
        Self::clean(html)
    }
}

impl<P> Serialize for Html<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.html)
    }
}

impl<'de, P: HtmlPolicy> Deserialize<'de> for Html<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<P>(PhantomData<fn() -> P>);

        impl<P: HtmlPolicy> Visitor<'_> for Text<P> {
            type Value = Html<P>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text of HTML")
            }

            fn visit_str<E: Error>(self, html: &str) -> Result<Html<P>, E> {
                Html::clean(html).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text(PhantomData))
    }
}
