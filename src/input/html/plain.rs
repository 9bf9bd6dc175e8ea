//! Looks over HTML without a parser: how deep it nests, and how much work it makes.
//!
//! A tree builder takes time by the square of the depth, and some of its steps by more. Most
//! HTML is plain, though: known elements, each closed where it was opened, or closed by what
//! follows as the standard has it. What such a text nests can be told in one pass. For all
//! other texts the tree builder itself is asked, see [`measure`](super::measure).
//!
//! The rules are those of the HTML standard, section 13.2.6.4.7 ("in body") and those for
//! tables after it, for the cases in which no element is moved, cloned, ignored or implied
//! (but for the `tbody` of a table without one). Whatever is not surely one of those cases is
//! not plain.

use super::HtmlError;
use super::work::{Limits, Work};
use memchr::{memchr, memmem};

/// What a look tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The text is plain, nests within the limits, and parses in time.
    Plain,
    /// So it is, and all its elements are kept: what is made of it is as plain.
    PlainAndKept,
    /// A parser has to tell.
    Unsure,
}

/// Which of the elements that can be plain a policy keeps.
#[derive(Clone, Debug)]
pub(super) struct Kept([bool; SLOTS]);

impl Kept {
    /// Those of these names.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a &'static str>) -> Self {
        let mut kept = [false; SLOTS];
        for name in names {
            let found = entry_of(name_of(name.as_bytes()));
            if let Some(slot) = found.and_then(|(slot, _)| kept.get_mut(slot)) {
                *slot = true;
            }
        }
        Self(kept)
    }
}

/// Looks over a text.
pub(super) fn survey(html: &str, limits: Limits, kept: &Kept) -> Result<Shape, HtmlError> {
    let mut survey = Survey {
        html: html.as_bytes(),
        at: 0,
        open: Vec::new(),
        kept,
        are_all_kept: true,
        deepest: 0,
        longest_run: 0,
        work: Work::of_text(html.as_bytes()),
    };
    if survey.run(limits.depth).is_none() {
        return Ok(Shape::Unsure);
    }
    if survey.deepest > limits.depth {
        return Err(limits.too_deep());
    }
    survey.work.add_longest_run(survey.longest_run);
    survey.work.check()?;
    Ok(if survey.are_all_kept {
        Shape::PlainAndKept
    } else {
        Shape::Plain
    })
}

/// The name of an element in lower case, in as many bytes as the longest known one has.
type Name = u128;

const MAX_NAME: usize = 10;

const fn name_of(text: &[u8]) -> Name {
    let mut name = 0;
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        name = (name << 8) | byte.to_ascii_lowercase() as Name;
        rest = after;
    }
    name
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Has no content.
    Void,
    /// Has no content, and ends a paragraph.
    Rule,
    /// Is opened again where it was closed too early.
    Formatting,
    /// A link, in which there can be no other.
    Link,
    /// Means nothing to the tree builder.
    Inline,
    Block,
    Paragraph,
    Heading,
    ListItem,
    /// `dt` and `dd`.
    Term,
    Table,
    Caption,
    /// `thead`, `tbody` and `tfoot`.
    Section,
    Row,
    Cell,
}

/// The kind of each element that can be plain, in a table for which a name need not be compared
/// with all others: it stands where its hash says, or after that.
macro_rules! kinds {
    ($($kind:ident: $($name:literal)+;)+) => {
        static KINDS: [Option<(Name, Kind)>; SLOTS] = {
            let mut kinds = [None; SLOTS];
            $($(
                let name = name_of($name.as_bytes());
                let mut slot = slot_of(name);
                #[expect(clippy::indexing_slicing, reason = "when compiled, and within the table")]
                {
                    while kinds[slot].is_some() {
                        slot = (slot + 1) % SLOTS;
                    }
                    kinds[slot] = Some((name, Kind::$kind));
                }
            )+)+
            kinds
        };
    };
}

const SLOTS: usize = 256;

const fn slot_of(name: Name) -> usize {
    let folded = (name >> 64) as u64 ^ name as u64;
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

/// Where an element stands in the table, and its kind.
fn entry_of(name: Name) -> Option<(usize, Kind)> {
    let mut slot = slot_of(name);
    while let Some((known, kind)) = KINDS.get(slot)? {
        if *known == name {
            return Some((slot, *kind));
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

kinds! {
    Paragraph: "p";
    Formatting: "b" "strong" "i" "em" "code" "u" "s" "small" "big" "font" "strike" "tt";
    Link: "a";
    Inline: "span" "abbr" "acronym" "bdi" "bdo" "cite" "data" "del" "dfn" "ins" "kbd" "label"
        "mark" "q" "samp" "sub" "sup" "time" "var";
    ListItem: "li";
    Void: "br" "img" "wbr";
    Block: "div" "ul" "ol" "blockquote" "pre" "dl" "section" "article" "aside" "nav" "header"
        "footer" "main" "figure" "figcaption" "details" "summary" "address" "center" "hgroup"
        "menu";
    Heading: "h1" "h2" "h3" "h4" "h5" "h6";
    Cell: "td" "th";
    Row: "tr";
    Section: "tbody" "thead" "tfoot";
    Table: "table";
    Caption: "caption";
    Term: "dt" "dd";
    Rule: "hr";
}

const TBODY: Name = name_of(b"tbody");
const DIV: Name = name_of(b"div");
const ADDRESS: Name = name_of(b"address");

#[derive(Clone, Copy)]
struct Open {
    name: Name,
    kind: Kind,
}

struct Survey<'a> {
    html: &'a [u8],
    at: usize,
    open: Vec<Open>,
    kept: &'a Kept,
    are_all_kept: bool,
    deepest: usize,
    /// The longest text or value of an attribute, in bytes.
    longest_run: usize,
    work: Work,
}

impl Survey<'_> {
    /// Goes to the end of the text, or to where it nests too deeply or makes too much work.
    /// `None` where it is not plain.
    fn run(&mut self, depth: usize) -> Option<()> {
        if memchr(0, self.html).is_some() {
            return None;
        }
        while self.deepest <= depth && self.work.check().is_ok() {
            let rest = self.html.get(self.at..)?;
            let Some(length) = memchr(b'<', rest) else {
                return self.text(rest);
            };
            self.text(rest.get(..length)?)?;
            self.at += length + 1;
            self.markup()?;
        }
        Some(())
    }

    fn text(&mut self, text: &[u8]) -> Option<()> {
        self.longest_run = self.longest_run.max(text.len());
        let is_between_cells = matches!(self.top(), Some(Kind::Table | Kind::Section | Kind::Row));
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0C');
        (!is_between_cells || text.iter().all(is_space)).then_some(())
    }

    /// Reads what a `<` begins.
    fn markup(&mut self) -> Option<()> {
        let rest = self.html.get(self.at..)?;
        match rest {
            [b'!', b'-', b'-', b'>' | b'-', ..] => None,
            [b'!', b'-', b'-', text @ ..] => {
                let end = memmem::find(text, b"--")?;
                // `--!>` ends a comment too, and `--->` ends it a byte later.
                if text.get(end + 2) != Some(&b'>') {
                    return None;
                }
                self.work.add_comment(end);
                self.at += end + 6;
                Some(())
            }
            [b'/', name @ ..] => {
                let (name, length) = name_at(name)?;
                self.at += 1 + length;
                self.skip_attributes(true)?;
                self.close(name)
            }
            [first, ..] if first.is_ascii_alphabetic() => {
                let (name, length) = name_at(rest)?;
                self.at += length;
                self.skip_attributes(false)?;
                self.open(name)
            }
            [b'!' | b'?', ..] | [] => None,
            _ => {
                self.work.add_angle();
                self.text(b"<")
            }
        }
    }

    /// Goes behind the `>` of a tag (section 13.2.5.32 and the states after it).
    fn skip_attributes(&mut self, is_end: bool) -> Option<()> {
        let mut count = 0;
        loop {
            match self.html.get(self.at..)? {
                [b'>', ..] => {
                    self.at += 1;
                    self.work.add_tag(self.open.len(), count, is_end);
                    return Some(());
                }
                [b' ' | b'\n' | b'\t' | b'\r' | b'\x0C', ..] | [b'/', b'>', ..] => self.at += 1,
                [first, ..] if first.is_ascii_alphabetic() => {
                    count += 1;
                    self.skip_attribute()?;
                }
                _ => return None,
            }
        }
    }

    fn skip_attribute(&mut self) -> Option<()> {
        let rest = self.html.get(self.at..)?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte);
        let name = rest.iter().position(|byte| !is_name(byte))?;
        self.at += name;
        let [b'=', value @ ..] = rest.get(name..)? else {
            return Some(());
        };
        let length = match value {
            [quote @ (b'"' | b'\''), quoted @ ..] => {
                let length = memchr(*quote, quoted)?;
                let after = quoted.get(length + 1)?;
                if !matches!(after, b' ' | b'\n' | b'\t' | b'\r' | b'\x0C' | b'>' | b'/') {
                    return None;
                }
                length + 2
            }
            _ => {
                let is_plain =
                    |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:./#%?&;,+@".contains(byte);
                let length = value.iter().position(|byte| !is_plain(byte))?;
                let ends = matches!(
                    value.get(length)?,
                    b' ' | b'\n' | b'\t' | b'\r' | b'\x0C' | b'>'
                );
                if length == 0 || !ends {
                    return None;
                }
                length
            }
        };
        self.longest_run = self.longest_run.max(length);
        self.at += 1 + length;
        Some(())
    }

    fn top(&self) -> Option<Kind> {
        self.open.last().map(|open| open.kind)
    }

    fn push(&mut self, name: Name, kind: Kind) {
        self.open.push(Open { name, kind });
        self.deepest = self.deepest.max(self.open.len());
    }

    /// The kind of an element that is opened.
    fn kind_of(&mut self, name: Name) -> Option<Kind> {
        let (slot, kind) = entry_of(name)?;
        self.are_all_kept &= self.kept.0.get(slot).copied().unwrap_or_default();
        Some(kind)
    }

    fn open(&mut self, name: Name) -> Option<()> {
        let kind = self.kind_of(name)?;
        match (self.top(), kind) {
            (Some(Kind::Table), Kind::Caption | Kind::Section)
            | (Some(Kind::Section), Kind::Row)
            | (Some(Kind::Row), Kind::Cell) => {}
            (Some(Kind::Table), Kind::Row) => {
                let section = self.kind_of(TBODY)?;
                self.push(TBODY, section);
            }
            (Some(Kind::Table | Kind::Section | Kind::Row), _) => return None,
            (_, Kind::Caption | Kind::Section | Kind::Row | Kind::Cell) => return None,
            (_, Kind::Void) => return Some(()),
            (_, Kind::Rule) => return self.close_paragraph(),
            (_, Kind::Formatting | Kind::Inline) => {}
            (_, Kind::Link) => {
                if self.open.iter().any(|open| open.kind == Kind::Link) {
                    return None;
                }
            }
            (_, Kind::Block | Kind::Paragraph) => self.close_paragraph()?,
            (_, Kind::Table) => {
                if self.has_paragraph() {
                    return None;
                }
            }
            (_, Kind::Heading) => {
                self.close_paragraph()?;
                if self.top() == Some(Kind::Heading) {
                    return None;
                }
            }
            (_, Kind::ListItem | Kind::Term) => {
                self.close_item(kind)?;
                self.close_paragraph()?;
            }
        }
        self.push(name, kind);
        Some(())
    }

    /// Whether a paragraph is open "in button scope".
    fn has_paragraph(&self) -> bool {
        let is_scope =
            |open: &&Open| !matches!(open.kind, Kind::Table | Kind::Cell | Kind::Caption);
        let mut scope = self.open.iter().rev().take_while(is_scope);
        scope.any(|open| open.kind == Kind::Paragraph)
    }

    /// Closes the paragraph that is open, if there is one, and if nothing else is in it.
    fn close_paragraph(&mut self) -> Option<()> {
        if self.top() == Some(Kind::Paragraph) {
            self.open.pop();
        }
        (!self.has_paragraph()).then_some(())
    }

    /// Closes the item of a list before the next, as far as that is plain.
    fn close_item(&mut self, kind: Kind) -> Option<()> {
        if let [
            ..,
            item,
            Open {
                kind: Kind::Paragraph,
                ..
            },
        ] = *self.open
            && item.kind == kind
        {
            self.open.pop();
        }
        if self.top() == Some(kind) {
            self.open.pop();
            return Some(());
        }
        for open in self.open.iter().rev() {
            if open.kind == kind {
                return None;
            }
            let goes_on = matches!(
                open.kind,
                Kind::Formatting | Kind::Link | Kind::Inline | Kind::Paragraph
            ) || matches!(open.name, DIV | ADDRESS);
            if !goes_on {
                break;
            }
        }
        Some(())
    }

    fn close(&mut self, name: Name) -> Option<()> {
        match entry_of(name)?.1 {
            Kind::Void | Kind::Rule => return None,
            Kind::Formatting | Kind::Link | Kind::Inline | Kind::Paragraph => {}
            Kind::Section | Kind::Row => {}
            Kind::Table => {
                if self.top() == Some(Kind::Section) {
                    self.open.pop();
                }
            }
            Kind::Block
            | Kind::Heading
            | Kind::ListItem
            | Kind::Term
            | Kind::Cell
            | Kind::Caption => {
                while let Some(top) = self.open.last() {
                    let is_implied =
                        matches!(top.kind, Kind::Paragraph | Kind::ListItem | Kind::Term);
                    if !is_implied || top.name == name {
                        break;
                    }
                    self.open.pop();
                }
            }
        }
        (self.open.pop()?.name == name).then_some(())
    }
}

/// The name of a tag, and how many bytes it has.
fn name_at(text: &[u8]) -> Option<(Name, usize)> {
    let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    let name = text.get(..end)?;
    let ends = matches!(
        text.get(end)?,
        b' ' | b'\n' | b'\t' | b'\r' | b'\x0C' | b'/' | b'>'
    );
    (ends && !name.is_empty() && end <= MAX_NAME).then(|| (name_of(name), end))
}

#[cfg(test)]
mod tests {
    use super::super::measure::measure;
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        bytes: 1 << 20,
        depth: 8,
    };

    fn none() -> Kept {
        Kept::new([])
    }

    fn all() -> Kept {
        Kept([true; SLOTS])
    }

    #[test]
    fn what_is_plain() {
        for html in [
            "<p>1 < 2 &amp; 3",
            "<p>a<p>b</p><div>c</div>",
            "<ul><li>a<li><p>b</ul>",
            "<dl><dt>a<dd>b</dl>",
            "<b><i>a</i></b><br><img src=x alt='y' />",
            "<table><tr><td>a</td></tr> <tr><th>b</th></tr></table>",
            "<table><caption>a</caption><thead><tr><th>b</th></tr></thead></table>",
            "<!-- a <div> --><A HREF=x>b</A>",
            "<h1>a</h1><hr><pre>\n\nb</pre>",
        ] {
            assert_eq!(survey(html, LIMITS, &none()), Ok(Shape::Plain), "{html}");
            assert_eq!(
                survey(html, LIMITS, &all()),
                Ok(Shape::PlainAndKept),
                "{html}"
            );
        }
        for html in [
            "<b><i>a</b></i>",
            "<b><p>a</b></p>",
            "<p><b>a<div>b</div></b>",
            "<a><b><a>",
            "<li><b><li>",
            "<h1><h2>",
            "<table>a</table>",
            "<table><td>",
            "<tr>",
            "</p>",
            "</br>",
            "<br></div>",
            "<svg></svg>",
            "<script></script>",
            "<textarea></textarea>",
            "<select>",
            "<x>",
            "<div",
            "<div a",
            "<div a=\"b>",
            "<div a = b>",
            "<div a=b\"c>",
            "<div \"a>",
            "<!-->",
            "<!-- --!>",
            "<!-- -- -->",
            "<!x>",
            "<?x>",
            "</ div>",
            "<div\0>",
            "\0",
            "<divdivdivdiv>",
        ] {
            assert_eq!(survey(html, LIMITS, &all()), Ok(Shape::Unsure), "{html}");
        }
        let deep = |depth: usize| "<div>".repeat(depth);
        assert_eq!(survey(&deep(8), LIMITS, &none()), Ok(Shape::Plain));
        assert_eq!(
            survey(&deep(9), LIMITS, &none()),
            Err(HtmlError::TooDeep { limit: 8 })
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is plain nests as deep for the tree builder as it does here.
        #[test]
        fn the_tree_builder_agrees(
            pieces in prop::collection::vec(
                "(<(/?)(p|b|a|i|div|ul|li|dl|dt|dd|table|tbody|tr|td|caption|h1|h2|span|pre|address|hr|br)>|x| )",
                0..40,
            ),
        ) {
            let html = pieces.concat();
            let at = |depth: usize| Limits { depth, ..LIMITS };
            if survey(&html, at(64), &none()).is_ok_and(|it| it != Shape::Unsure) {
                let deepest = (0..64).find(|depth| survey(&html, at(*depth), &none()).is_ok()).unwrap();
                // A void element is not open, but has a place in the tree.
                prop_assert_eq!(measure(&html, at(deepest + 1), None), Ok(()), "{}", html);
            }
        }
    }
}
