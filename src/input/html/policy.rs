use super::foreign::{renamed, restored};
use super::measure::measure;
use super::plain::{Kept, Shape, survey};
use super::report::{Cleaned, Watch};
use super::rules::Rules;
use super::url::UrlRules;
use super::work::Limits;
use super::{HtmlError, PolicyError};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// The largest text that a policy may take, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The deepest nesting that a policy may take: that at which browsers stop nesting.
const MAX_DEPTH: usize = 512;

/// The deepest nesting without [`PolicyBuilder::max_depth`].
const DEFAULT_DEPTH: usize = 256;

/// How often a text is cleaned until it stays as it is.
const MAX_ROUNDS: usize = 4;

/// The elements that go with all that is in them: it was never meant to be read.
const DROPPED_WHOLE: [&str; 5] = ["iframe", "noembed", "noframes", "script", "style"];

/// Which HTML is kept. See the [module](super) for the rules.
///
/// Building one takes longer than using it; keep it, and clone it freely.
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    rules: Arc<Rules>,
    kept: Kept,
    limits: Limits,
    cleaner: ammonia::Builder<'static>,
}

impl Policy {
    /// A policy that allows nothing yet, and takes 1 MiB and 256 levels of nesting.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder {
            rules: Rules {
                elements: HashSet::new(),
                everywhere: HashSet::new(),
                attributes: HashMap::new(),
                urls: UrlRules {
                    schemes: Vec::new(),
                    relative: false,
                },
                code_languages: false,
            },
            link_rel: "nofollow noopener noreferrer",
            limits: Limits {
                bytes: MAX_BYTES,
                depth: DEFAULT_DEPTH,
            },
        }
    }

    /// Cleans a text. What comes out stays as it is when it is cleaned again.
    ///
    /// # Errors
    /// When the text is too large, nested too deeply, or would take too long.
    pub fn clean(&self, html: &str) -> Result<String, HtmlError> {
        let limits = self.0.limits;
        limits.check_size(html)?;
        match survey(html, limits, &self.0.kept)? {
            Shape::PlainAndKept => Ok(self.once(html)),
            Shape::Plain => self.settled(html),
            Shape::Unsure => {
                measure(html, limits, None)?;
                self.settled_with_foreign(html)
            }
        }
    }

    /// Cleans a text, and says what was taken out. Takes about twice as long as
    /// [`clean`](Self::clean).
    ///
    /// # Errors
    /// As for [`clean`](Self::clean).
    pub fn clean_with_report(&self, html: &str) -> Result<Cleaned, HtmlError> {
        self.0.limits.check_size(html)?;
        let mut watch = Watch::new(&self.0.rules);
        measure(html, self.0.limits, Some(&mut watch))?;
        Ok(watch.into_cleaned(self.settled_with_foreign(html)?))
    }

    /// What is left of a text that was looked over, with the text within SVG and MathML where
    /// that parses in time too.
    fn settled_with_foreign(&self, html: &str) -> Result<String, HtmlError> {
        match renamed(html) {
            Some(renamed) if measure(&renamed, self.0.limits, None).is_ok() => {
                self.settled(&renamed).map(restored)
            }
            _ => self.settled(html),
        }
    }

    /// What is left of a text that was looked over, once it stays as it is.
    ///
    /// One round does for almost all: what comes out is plain, and a parser makes of it what
    /// was written. But an element that goes may have stood between two that cannot stand in
    /// each other, and then a parser makes something else of what is left.
    fn settled(&self, html: &str) -> Result<String, HtmlError> {
        let limits = self.0.limits;
        let mut clean = self.once(html);
        for _ in 0..MAX_ROUNDS {
            if survey(&clean, limits, &self.0.kept)? != Shape::Unsure {
                return Ok(clean);
            }
            measure(&clean, limits, None)?;
            let again = self.once(&clean);
            if again == clean {
                return Ok(clean);
            }
            clean = again;
        }
        Err(HtmlError::TooComplex)
    }

    fn once(&self, html: &str) -> String {
        keep_first_lines(self.0.cleaner.clean(html).to_string())
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.0.rules)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

/// A parser drops a line feed right after `<pre>`, so one that is to stay is written twice.
fn keep_first_lines(html: String) -> String {
    const PRE: &[u8] = b"<pre";
    if memchr::memmem::find(html.as_bytes(), PRE).is_none() {
        return html;
    }
    let mut kept = String::with_capacity(html.len() + 8);
    let mut rest = html.as_str();
    // A `<` or `>` that is none of a tag is written as a reference, in attributes too.
    while let Some((before, after)) = rest.split_once("<pre") {
        let (tag, content) = after.split_once('>').unwrap_or((after, ""));
        kept.push_str(before);
        kept.push_str("<pre");
        kept.push_str(tag);
        kept.push('>');
        if content.starts_with('\n') {
            kept.push('\n');
        }
        rest = content;
    }
    kept.push_str(rest);
    kept
}

/// Sets up a [`Policy`]. What is not allowed is not kept; what is active cannot be allowed.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyBuilder {
    rules: Rules,
    link_rel: &'static str,
    limits: Limits,
}

impl PolicyBuilder {
    /// Allows these elements.
    pub fn elements(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.rules.elements.extend(names);
        self
    }

    /// Allows these attributes on an element.
    pub fn attributes(
        mut self,
        element: &'static str,
        names: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let own = self.rules.attributes.entry(element).or_default();
        own.extend(names);
        self
    }

    /// Allows these attributes on all elements.
    pub fn attributes_everywhere(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.rules.everywhere.extend(names);
        self
    }

    /// Allows URLs of these schemes, in lower case. Links may have any of them, images and
    /// sources of quotations only `http` and `https`.
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = &'static str>) -> Self {
        self.rules.urls.schemes.extend(schemes);
        self
    }

    /// Allows URLs that are relative to the page.
    pub const fn relative_urls(mut self) -> Self {
        self.rules.urls.relative = true;
        self
    }

    /// Keeps classes such as `language-rust` on `code`.
    pub const fn code_languages(mut self) -> Self {
        self.rules.code_languages = true;
        self
    }

    /// Says of links that they come from users (`rel="ugc"`), for search engines. All links
    /// have `nofollow noopener noreferrer`.
    pub const fn links_of_users(mut self) -> Self {
        self.link_rel = "nofollow noopener noreferrer ugc";
        self
    }

    /// Takes texts of at most this many bytes, 1 MiB being the most.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Takes texts nested at most this deep, 512 being the most.
    pub const fn max_depth(mut self, depth: usize) -> Self {
        self.limits.depth = depth;
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// When something is allowed that no policy may allow, or a limit is out of bounds.
    pub fn build(self) -> Result<Policy, PolicyError> {
        self.rules.check()?;
        if !(1..=MAX_BYTES).contains(&self.limits.bytes) {
            return Err(PolicyError::Size(self.limits.bytes));
        }
        if !(1..=MAX_DEPTH).contains(&self.limits.depth) {
            return Err(PolicyError::Depth(self.limits.depth));
        }
        let rules = Arc::new(self.rules);
        Ok(Policy(Arc::new(Inner {
            cleaner: cleaner(&rules, self.link_rel),
            kept: Kept::new(&rules.elements),
            rules,
            limits: self.limits,
        })))
    }
}

/// The rules in ammonia's terms. It asserts that they do not contradict each other, which
/// [`Rules::check`] has made sure of: nothing of [`DROPPED_WHOLE`] can be allowed, nor `rel`.
fn cleaner(rules: &Arc<Rules>, link_rel: &'static str) -> ammonia::Builder<'static> {
    let mut attributes = rules.attributes.clone();
    if rules.code_languages && rules.elements.contains("code") {
        attributes.entry("code").or_default().insert("class");
    }
    let relative = if rules.urls.relative {
        ammonia::UrlRelative::PassThrough
    } else {
        ammonia::UrlRelative::Deny
    };
    let filter = Arc::clone(rules);
    let mut cleaner = ammonia::Builder::empty();
    cleaner
        .tags(rules.elements.clone())
        .clean_content_tags(HashSet::from(DROPPED_WHOLE))
        .generic_attributes(rules.everywhere.clone())
        .tag_attributes(attributes)
        .url_schemes(rules.urls.schemes.iter().copied().collect())
        .url_relative(relative)
        .link_rel(Some(link_rel))
        .strip_comments(true)
        .attribute_filter(
            move |element: &str, name: &str, value: &str| -> Option<Cow<'_, str>> {
                filter.filtered(element, name, value)
            },
        );
    cleaner
}
