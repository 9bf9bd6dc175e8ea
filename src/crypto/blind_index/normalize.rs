use std::fmt;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Values of one character of a text, for what a [cut](Normalizer::last) of it can be: letters
/// and digits, of which some are much rarer than others.
const USUAL_CHARACTERS: u64 = 32;

/// What makes values that people take for the same the same, before they are indexed.
///
/// Begin with one of the forms, and keep only a part of it if less is to be found by:
///
/// ```
/// use portcullis::crypto::blind_index::Normalizer;
///
/// let shown = |normalizer: Normalizer, value| String::clone(&normalizer.apply(value));
/// assert_eq!(shown(Normalizer::trimmed(), " Ann "), "Ann");
/// assert_eq!(shown(Normalizer::nfkc(), "ﬁx №5"), "fix No5");
/// assert_eq!(shown(Normalizer::lowercase(), " STRASSE "), shown(Normalizer::lowercase(), "Straße"));
/// assert_eq!(shown(Normalizer::email(), "Ann@EXAMPLE.com."), "ann@example.com");
/// assert_eq!(shown(Normalizer::digits(), "+1 (555) 010-4242"), "15550104242");
/// assert_eq!(shown(Normalizer::digits().last(4), "+1 (555) 010-4242"), "4242");
/// assert_eq!(shown(Normalizer::lowercase().first(1), "Émile"), "é");
/// assert_eq!(shown(Normalizer::custom(|value| value.replace('-', "")), "a-b"), "ab");
/// ```
///
/// Two that are taken for the same find each other's rows, which costs a comparison after
/// opening. Two that are not do not find theirs: normalize rather more than less.
#[derive(Clone, Debug)]
pub struct Normalizer {
    form: Form,
    cut: Option<Cut>,
}

#[derive(Clone)]
enum Form {
    Exact,
    Trimmed,
    Nfkc,
    Lowercase,
    Email,
    Digits,
    Custom(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    First(u8),
    Last(u8),
}

impl Normalizer {
    /// The value to the byte.
    #[must_use]
    pub const fn exact() -> Self {
        Self::of(Form::Exact)
    }

    /// Without white space around it.
    #[must_use]
    pub const fn trimmed() -> Self {
        Self::of(Form::Trimmed)
    }

    /// Unicode Normalization Form KC: full-width, ligature and other compatibility forms become
    /// the plain ones, accents are composed. Trimmed.
    #[must_use]
    pub const fn nfkc() -> Self {
        Self::of(Form::Nfkc)
    }

    /// As [`nfkc`](Self::nfkc), without regard to upper and lower case in any script: a
    /// caseless match as in section 3.13 of the Unicode Standard.
    #[must_use]
    pub const fn lowercase() -> Self {
        Self::of(Form::Lowercase)
    }

    /// An e-mail address: as [`lowercase`](Self::lowercase), without a dot at the end of the
    /// domain. RFC 5321 lets the part before the `@` differ by case; no provider does. What
    /// providers ignore on their own (dots, `+tag`) is kept.
    #[must_use]
    pub const fn email() -> Self {
        Self::of(Form::Email)
    }

    /// The digits 0 to 9 alone, in any compatibility form, as of a telephone or card number.
    #[must_use]
    pub const fn digits() -> Self {
        Self::of(Form::Digits)
    }

    /// What a function of yours makes of it. It must make the same of the same for as long as
    /// the index lives: a change is a new version of the index.
    #[must_use]
    pub fn custom(function: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::of(Form::Custom(Arc::new(function)))
    }

    const fn of(form: Form) -> Self {
        Self { form, cut: None }
    }

    /// Keeps the first `characters` of it, or all when there are fewer.
    #[must_use]
    pub fn first(mut self, characters: u8) -> Self {
        self.cut = Some(Cut::First(characters));
        self
    }

    /// Keeps the last `characters` of it, or all when there are fewer.
    #[must_use]
    pub fn last(mut self, characters: u8) -> Self {
        self.cut = Some(Cut::Last(characters));
        self
    }

    /// The normal form of a value. For tests and for comparing after opening.
    #[must_use]
    pub fn apply(&self, value: &str) -> Zeroizing<String> {
        match self.normalize(value) {
            Normalized::Borrowed(text) => Zeroizing::new(text.to_owned()),
            Normalized::Owned(text) => text,
        }
    }

    #[inline]
    pub(super) fn normalize<'a>(&self, value: &'a str) -> Normalized<'a> {
        match self {
            Self {
                form: Form::Exact,
                cut: None,
            } => Normalized::Borrowed(value),
            _ => self.changed(value),
        }
    }

    fn changed<'a>(&self, value: &'a str) -> Normalized<'a> {
        let whole = match &self.form {
            Form::Exact => Normalized::Borrowed(value),
            Form::Trimmed => Normalized::Borrowed(value.trim()),
            Form::Nfkc => nfkc(value),
            Form::Lowercase => lowercase(value),
            Form::Email => email(value),
            Form::Digits => digits(value),
            Form::Custom(function) => Normalized::Owned(function(value).into()),
        };
        match self.cut {
            None => whole,
            Some(cut) => whole.map(|text| cut.of(text)),
        }
    }

    /// About how many different values there can be after a cut.
    pub(super) fn values(&self) -> u64 {
        let Some(Cut::First(length) | Cut::Last(length)) = self.cut else {
            return u64::MAX;
        };
        let characters = match self.form {
            Form::Digits => 10,
            _ => USUAL_CHARACTERS,
        };
        characters.saturating_pow(length.into())
    }
}

impl Cut {
    fn of(self, text: &str) -> &str {
        match self {
            Self::First(length) => {
                let end = text.char_indices().nth(length.into());
                end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
            }
            Self::Last(0) => "",
            Self::Last(length) => {
                let start = text.char_indices().nth_back(usize::from(length) - 1);
                start
                    .and_then(|(start, _)| text.get(start..))
                    .unwrap_or(text)
            }
        }
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "Exact",
            Self::Trimmed => "Trimmed",
            Self::Nfkc => "Nfkc",
            Self::Lowercase => "Lowercase",
            Self::Email => "Email",
            Self::Digits => "Digits",
            Self::Custom(_) => "Custom",
        })
    }
}

/// A text that is wiped when it is one of its own.
pub(super) enum Normalized<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl Normalized<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }

    fn map(self, part: impl Fn(&str) -> &str) -> Self {
        match self {
            Self::Borrowed(text) => Self::Borrowed(part(text)),
            Self::Owned(text) => Self::Owned(Zeroizing::new(part(&text).to_owned())),
        }
    }
}

/// Characters that have to be made a text, with room enough from the start: a string that moves
/// as it grows leaves copies behind.
fn collect(characters: impl Iterator<Item = char> + Clone) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(
        characters.clone().map(char::len_utf8).sum(),
    ));
    text.extend(characters);
    text
}

fn nfkc(value: &str) -> Normalized<'_> {
    if value.is_ascii() {
        return Normalized::Borrowed(value.trim());
    }
    // Some characters have a space in their compatibility form, so it is trimmed last.
    Normalized::Owned(collect(value.nfkc())).map(str::trim)
}

fn lowercase(value: &str) -> Normalized<'_> {
    if !value.is_ascii() {
        // Folding can undo a normal form, and the other way around: each is done until neither
        // changes anything (definition D146 of the Unicode Standard).
        let once = collect(value.nfkd().flat_map(fold));
        let twice = collect(once.nfkd().flat_map(fold));
        return Normalized::Owned(collect(twice.nfkc())).map(str::trim);
    }
    let trimmed = value.trim();
    if !trimmed.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Normalized::Borrowed(trimmed);
    }
    let mut text = Zeroizing::new(trimmed.to_owned());
    text.make_ascii_lowercase();
    Normalized::Owned(text)
}

/// What a character is when case does not matter: the lower case of its upper case, so that the
/// sharp s is two, and both forms of the small sigma are one.
fn fold(character: char) -> impl Iterator<Item = char> + Clone {
    character.to_uppercase().flat_map(char::to_lowercase)
}

fn email(value: &str) -> Normalized<'_> {
    let is_end = |character: char| character == '.' || character.is_whitespace();
    lowercase(value).map(|address| {
        if address.contains('@') {
            address.trim_end_matches(is_end)
        } else {
            address
        }
    })
}

fn digits(value: &str) -> Normalized<'_> {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Normalized::Borrowed(value);
    }
    Normalized::Owned(collect(value.nfkc().filter(char::is_ascii_digit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::char::is_combining_mark;

    #[test]
    fn forms() {
        let (exact, trimmed, nfkc) = (
            Normalizer::exact(),
            Normalizer::trimmed(),
            Normalizer::nfkc(),
        );
        let (lower, email) = (Normalizer::lowercase(), Normalizer::email());
        let digits = Normalizer::digits();
        for (name, normalizer, value, expected) in [
            ("exact", &exact, " A\u{301} ", " A\u{301} "),
            ("trimmed", &trimmed, "\u{3000}A b\t\n", "A b"),
            ("composed", &nfkc, "A\u{301}", "\u{c1}"),
            ("full width", &nfkc, "ＡＢＣ　１", "ABC 1"),
            ("a space in disguise", &nfkc, "a\u{a0}", "a"),
            ("ASCII", &lower, "ANN Lee", "ann lee"),
            ("sharp s", &lower, "STRAẞE", "strasse"),
            ("final sigma", &lower, "ΟΔΟΣ", "οδοσ"),
            ("dotted I", &lower, "İ", "i\u{307}"),
            ("Kelvin", &lower, "\u{212a}", "k"),
            (
                "address",
                &email,
                " Ann.Lee+x@Example.COM. ",
                "ann.lee+x@example.com",
            ),
            ("no address", &email, "Ann.", "ann."),
            (
                "full-width address",
                &email,
                "ａｎｎ＠example.com",
                "ann@example.com",
            ),
            ("digits", &digits, "+49 (0)30 / 12-34", "490301234"),
            ("full-width digits", &digits, "１２３", "123"),
            ("no digits", &digits, "none", ""),
        ] {
            assert_eq!(*normalizer.apply(value), expected, "{name}");
        }
    }

    #[test]
    fn cuts() {
        let exact = Normalizer::exact;
        for (name, normalizer, value, expected) in [
            ("first", exact().first(2), "äöü", "äö"),
            ("first of few", exact().first(4), "äöü", "äöü"),
            ("first of none", exact().first(1), "", ""),
            ("first none", exact().first(0), "abc", ""),
            ("last", exact().last(2), "äöü", "öü"),
            ("last of few", exact().last(4), "äöü", "äöü"),
            ("last none", exact().last(0), "abc", ""),
            (
                "last digits",
                Normalizer::digits().last(4),
                "12-34-56",
                "3456",
            ),
        ] {
            assert_eq!(*normalizer.apply(value), expected, "{name}");
        }
        assert_eq!(Normalizer::digits().last(4).values(), 10_000);
        assert_eq!(Normalizer::lowercase().first(1).values(), 32);
        assert_eq!(Normalizer::lowercase().last(255).values(), u64::MAX);
        assert_eq!(Normalizer::email().values(), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(value in "\\PC{0,12}|[\u{300}-\u{345}ΣςſßİıΐΰⅷﬀﷺＡ@. ]{0,12}") {
            for normalizer in [
                Normalizer::exact(),
                Normalizer::trimmed(),
                Normalizer::nfkc(),
                Normalizer::lowercase(),
                Normalizer::email(),
                Normalizer::digits(),
            ] {
                let once = normalizer.apply(&value);
                prop_assert_eq!(&*normalizer.apply(&once), &*once, "{:?}", normalizer);
            }
        }

        #[test]
        fn case_does_not_matter(value in "\\PC{0,12}") {
            let lower = Normalizer::lowercase();
            let normal = lower.apply(&value);
            prop_assert_eq!(&lower.apply(&normal.to_uppercase()), &normal);
            // Upper case can put marks after a letter that was a mark itself (the iota
            // subscript), which makes another text of one whose marks are in no normal order.
            if !value.chars().any(is_combining_mark) {
                prop_assert_eq!(&lower.apply(&value.to_uppercase()), &normal);
            }
        }
    }
}
