//! Asks the tree builder itself how deep a text nests and how hard it is to parse, and hears
//! of everything that it makes.
//!
//! The text is fed in small pieces to a tree builder whose tree is hardly there: its nodes know
//! their name, their depth and how many children they have. Each question that the tree builder
//! asks has a price, and between two pieces the sum is looked at. So an attack is given up
//! after what an honest text takes, not after it has worked.

use super::HtmlError;
use super::report::Watch;
use super::work::{Limits, MAX_ATTRIBUTES, Work};
use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ParseOpts, QualName, local_name, ns, parse_fragment};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How many bytes are fed before the sum is looked at.
const PIECE: usize = 512;

/// How often a text is parsed that is not plain: here, to be cleaned, and both again when what
/// comes out is not plain either.
const TIMES: u64 = 4;

/// A question of the tree builder.
const QUESTION: u64 = 3;
/// An element made.
const ELEMENT: u64 = 200;
/// A text, a comment, a move, an error.
const OTHER: u64 = 25;
/// Passing a sibling in search of a place.
const SIBLING: u64 = 1;

/// Measures a text, and shows what is in it to `watch`.
pub(super) fn measure(
    html: &str,
    limits: Limits,
    watch: Option<&mut Watch<'_>>,
) -> Result<(), HtmlError> {
    check_attributes(html.as_bytes())?;
    let meter = Rc::new(Meter {
        limits,
        fixed: Work::of_tags(html.as_bytes()),
        nanos: Cell::new(0),
        deepest: Cell::new(0),
        longest_text: Cell::new(0),
    });
    let sink = Sink {
        document: Node::new(QualName::new(None, ns!(), local_name!(""))),
        meter: Rc::clone(&meter),
        watch: RefCell::new(watch),
    };
    meter.check()?;
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = parse_fragment(sink, ParseOpts::default(), context, Vec::new(), false);
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        parser.process(StrTendril::from_slice(piece));
        meter.check()?;
        rest = after;
    }
    parser.finish();
    meter.check()
}

/// Refuses a tag with so many attributes that the tokenizer takes long to compare them. Every
/// place that may begin a tag is taken for one; which do begin one depends on what is before.
fn check_attributes(html: &[u8]) -> Result<(), HtmlError> {
    let mut budget = html.len().saturating_mul(4);
    for at in memchr::memchr_iter(b'<', html) {
        let rest = html.get(at + 1..).unwrap_or_default();
        let name = rest.strip_prefix(b"/").unwrap_or(rest);
        if !name.first().is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let looked_at = length_of_tag(name).ok_or(HtmlError::TooComplex)?;
        budget = budget.checked_sub(looked_at).ok_or(HtmlError::TooComplex)?;
    }
    Ok(())
}

/// Where within a tag the tokenizer is (sections 13.2.5.8 and 13.2.5.32 to 13.2.5.40).
#[derive(Clone, Copy)]
enum Within {
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Unquoted,
}

/// How many bytes a tag has, counted from its name; `None` where it has too many attributes.
fn length_of_tag(tag: &[u8]) -> Option<usize> {
    let mut attributes = 0;
    let mut within = Within::TagName;
    let mut at = 0;
    while let Some(byte) = tag.get(at) {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0C');
        within = match (within, byte) {
            (Within::BeforeValue, b'"' | b'\'') => {
                let quoted = tag.get(at + 1..).unwrap_or_default();
                at += memchr::memchr(*byte, quoted).unwrap_or(quoted.len()) + 1;
                Within::BeforeName
            }
            (_, b'>') => break,
            (Within::Name | Within::AfterName, b'=') => Within::BeforeValue,
            (Within::TagName | Within::Unquoted, _) if is_space => Within::BeforeName,
            (Within::Name, _) if is_space => Within::AfterName,
            (_, _) if is_space => within,
            (Within::BeforeValue | Within::Unquoted, _) => Within::Unquoted,
            (_, b'/') => Within::BeforeName,
            (Within::BeforeName | Within::AfterName, _) => {
                attributes += 1;
                Within::Name
            }
            (Within::TagName | Within::Name, _) => within,
        };
        if attributes > MAX_ATTRIBUTES {
            return None;
        }
        at += 1;
    }
    Some(at)
}

struct Meter {
    limits: Limits,
    fixed: Work,
    nanos: Cell<u64>,
    deepest: Cell<usize>,
    longest_text: Cell<usize>,
}

impl Meter {
    fn add(&self, nanos: u64) {
        self.nanos.set(self.nanos.get().saturating_add(nanos));
    }

    fn check(&self) -> Result<(), HtmlError> {
        // The root of the fragment is one too.
        if self.deepest.get() > self.limits.depth + 1 {
            return Err(self.limits.too_deep());
        }
        let mut work = self.fixed;
        work.add_longest_run(self.longest_text.get());
        work.add(self.nanos.get());
        work.times(TIMES).check()
    }
}

struct Node {
    name: QualName,
    parent: RefCell<Option<Handle>>,
    depth: Cell<usize>,
    children: Cell<usize>,
    /// How long its texts are together, in bytes.
    text: Cell<usize>,
    is_annotation: bool,
    /// What a template holds is in a document of its own.
    contents: Option<Handle>,
}

type Handle = Rc<Node>;

impl Node {
    fn new(name: QualName) -> Handle {
        Rc::new(Self::bare(name))
    }

    fn bare(name: QualName) -> Self {
        Self {
            name,
            parent: RefCell::new(None),
            depth: Cell::new(0),
            children: Cell::new(0),
            text: Cell::new(0),
            is_annotation: false,
            contents: None,
        }
    }
}

/// Long chains of nodes are let go one after the other: each holds its parent, and what is
/// dropped by what drops it would take the whole stack.
impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(node) = parent {
            parent = Rc::into_inner(node).and_then(|mut node| node.parent.get_mut().take());
        }
    }
}

struct Sink<'a, 'w> {
    document: Handle,
    meter: Rc<Meter>,
    watch: RefCell<Option<&'a mut Watch<'w>>>,
}

impl Sink<'_, '_> {
    fn put(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.meter.add(OTHER);
        match child {
            NodeOrText::AppendNode(node) => {
                let depth = parent.depth.get() + 1;
                node.depth.set(depth);
                if let Some(contents) = &node.contents {
                    contents.depth.set(depth);
                }
                self.meter.deepest.set(self.meter.deepest.get().max(depth));
                parent.children.set(parent.children.get() + 1);
                node.parent.replace(Some(Rc::clone(parent)));
            }
            NodeOrText::AppendText(text) => {
                let length = parent.text.get() + text.len();
                parent.text.set(length);
                let longest = self.meter.longest_text.get().max(length);
                self.meter.longest_text.set(longest);
            }
        }
    }
}

impl TreeSink for Sink<'_, '_> {
    type Handle = Handle;
    type Output = ();
    type ElemName<'a>
        = &'a QualName
    where
        Self: 'a;

    fn finish(self) {}

    fn parse_error(&self, _message: Cow<'static, str>) {
        self.meter.add(OTHER);
    }

    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        self.meter.add(QUESTION);
        &target.name
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> Handle {
        self.meter.add(ELEMENT);
        for attribute in &attributes {
            self.meter.add(OTHER);
            let longest = self.meter.longest_text.get().max(attribute.value.len());
            self.meter.longest_text.set(longest);
        }
        if let Some(watch) = &mut *self.watch.borrow_mut() {
            watch.element(&name, &attributes);
        }
        let contents = flags
            .template
            .then(|| Node::new(QualName::new(None, ns!(), local_name!(""))));
        let mut node = Node::bare(name);
        node.is_annotation = flags.mathml_annotation_xml_integration_point;
        node.contents = contents;
        Rc::new(node)
    }

    fn create_comment(&self, _text: StrTendril) -> Handle {
        self.meter.add(ELEMENT);
        if let Some(watch) = &mut *self.watch.borrow_mut() {
            watch.comment();
        }
        Node::new(QualName::new(None, ns!(), local_name!("")))
    }

    fn create_pi(&self, target: StrTendril, _data: StrTendril) -> Handle {
        self.create_comment(target)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.put(parent, child);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let parent = sibling.parent.borrow().clone();
        let parent = parent.unwrap_or_else(|| Rc::clone(&self.document));
        self.meter.add(parent.children.get() as u64 * SIBLING);
        if let NodeOrText::AppendNode(node) = &child {
            self.remove_from_parent(node);
        }
        self.put(&parent, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        previous: &Handle,
        child: NodeOrText<Handle>,
    ) {
        if element.parent.borrow().is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.put(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {
        self.meter.add(OTHER);
    }

    fn get_template_contents(&self, target: &Handle) -> Handle {
        Rc::clone(target.contents.as_ref().unwrap_or(target))
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        self.meter.add(QUESTION);
        Rc::ptr_eq(x, y)
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn add_attrs_if_missing(&self, _target: &Handle, attributes: Vec<Attribute>) {
        self.meter.add(OTHER * (1 + attributes.len() as u64));
    }

    fn remove_from_parent(&self, target: &Handle) {
        if let Some(parent) = target.parent.take() {
            self.meter
                .add(OTHER + parent.children.get() as u64 * SIBLING);
            parent.children.set(parent.children.get().saturating_sub(1));
        }
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        // The children are not known, nor that they are one deeper now; what is asked about
        // them later is counted when it is asked.
        let moved = node.children.take();
        self.meter.add(OTHER + moved as u64 * SIBLING * 8);
        new_parent.children.set(new_parent.children.get() + moved);
        new_parent
            .text
            .set(new_parent.text.get() + node.text.take());
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Handle) -> bool {
        handle.is_annotation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_with_too_many_attributes() {
        let many = |one: &str, count: usize| one.repeat(count);
        for (name, html, expected) in [
            ("none", "<p>".to_owned(), true),
            (
                "as many as may be",
                format!("<p {}>", many("a ", 128)),
                true,
            ),
            ("one more", format!("<p {}>", many("a ", 129)), false),
            ("slashes", format!("<p/{}>", many("a/", 129)), false),
            ("values", format!("<p {}>", many("a=b ", 129)), false),
            (
                "quoted values",
                format!("<p {}>", many("a='>'", 129)),
                false,
            ),
            (
                "after a spaced value",
                format!("<p a = \">\" {}>", many("a ", 129)),
                false,
            ),
            (
                "after a sign",
                format!("<p = \"{}>", many("a ", 129)),
                false,
            ),
            ("in an end tag", format!("</p {}>", many("a ", 129)), false),
            ("without an end", format!("<p {}", many("a ", 129)), false),
            (
                "within a value",
                format!("<p title='{}'>", many("a ", 129)),
                true,
            ),
            (
                "without quotes",
                format!("<p title=x{}>", many("/a", 129)),
                true,
            ),
            ("words", format!("1 < {}", many("a ", 129)), true),
            ("after the tag", format!("<p>{}", many("a ", 129)), true),
        ] {
            assert_eq!(
                check_attributes(html.as_bytes()).is_ok(),
                expected,
                "{name}"
            );
        }
    }
}
