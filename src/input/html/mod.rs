//! HTML from users, made clean: no script runs, nothing is loaded or submitted, nothing takes
//! the place of what the page's own scripts look for.
//!
//! 1. A [`Policy`] says which elements, attributes and schemes of URLs are kept. All else goes;
//!    the text within an element that goes stays, but for that of scripts and styles. What is
//!    active (`script`, `iframe`, `on...`, `style`, `id`, `javascript:`) cannot be allowed.
//! 2. The text is parsed as browsers do (`ammonia`, on `html5ever`), and what comes out is
//!    written anew. It stays as it is when it is parsed and cleaned again.
//! 3. URLs are judged by the WHATWG parser, and by what older browsers make of white space and
//!    control characters in front of and within a scheme; so is `cite`.
//! 4. Text of more than 1 MiB, nested more than 256 deep, or made to keep a parser busy is
//!    refused, before it is parsed: parsers take time by the square of the depth. Any text of
//!    1 MB is done with within 50 ms.
//! 5. SVG and MathML are not kept; the text in them is.
//! 6. All links have `rel="nofollow noopener noreferrer"`.
//!
//! ```
//! use portcullis::input::html::Policy;
//!
//! let policy = Policy::rich_text();
//! let clean = policy.clean("<p>Hi <a href='javascript:steal()'>you</a><script>x()</script></p>")?;
//! assert_eq!(clean, r#"<p>Hi <a rel="nofollow noopener noreferrer">you</a></p>"#);
//! assert!(policy.clean(&"<div>".repeat(10_000)).is_err());
//!
//! let cleaned = policy.clean_with_report("<img src=x onerror=steal()>")?;
//! assert_eq!(cleaned.html(), r#"<img src="x">"#);
//! assert_eq!(cleaned.removed()[0].to_string(), "attribute onerror (event_handler)");
//! # Ok::<(), portcullis::input::html::HtmlError>(())
//! ```
//!
//! [`Html`] is a type of text that is clean by construction: it cleans when it is
//! deserialized. A policy of one's own:
//!
//! ```
//! use portcullis::input::html::Policy;
//!
//! let policy = Policy::builder()
//!     .elements(["a", "p"])
//!     .attributes("a", ["href"])
//!     .schemes(["https"])
//!     .build()?;
//! let clean = policy.clean("<p><a href=http://example.com>one</a> <b>two</b></p>").unwrap();
//! assert_eq!(clean, r#"<p><a rel="nofollow noopener noreferrer">one</a> two</p>"#);
//! assert!(Policy::builder().elements(["svg"]).build().is_err());
//! # Ok::<(), portcullis::input::html::PolicyError>(())
//! ```
//!
//! Clean HTML belongs between tags. For text that goes elsewhere into a page there is
//! [`encode`](super::encode).
//!
//! A URL of its own, which somebody gave as a homepage, is a [`Link`].
//!
//! ASVS 5.0: 1.3.1 (HTML from editors), 1.2.1 (output encoding), 1.2.2 (schemes of URLs).

mod error;
mod foreign;
mod link;
mod measure;
mod plain;
mod policy;
mod preset;
mod report;
mod rules;
mod typed;
mod url;
mod work;

pub use error::{HtmlError, PolicyError};
pub use link::Link;
pub use policy::{Policy, PolicyBuilder};
pub use report::{Cleaned, Removed, RemovedKind, RemovedReason};
pub use typed::{Basic, Comment, Html, HtmlPolicy, RichText, TextOnly};
