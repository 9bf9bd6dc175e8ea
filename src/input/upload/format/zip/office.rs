//! Office Open XML (ECMA-376): which document an archive is, and what it does when opened.

use super::fields::Instructions;
use crate::input::upload::format::seam::Seam;
use crate::input::upload::refusal::{RefusalKind, active, malformed, mismatch};
use crate::input::upload::{FileType, Refusal};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::HashSet;

const CONTENT_TYPES: &[u8] = b"[Content_Types].xml";
/// Lists of parts and of relations are held in memory, one at a time: 1 MiB.
const MAX_LIST: usize = 1 << 20;

const MAIN: &[(&str, FileType)] = &[
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        FileType::Docx,
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        FileType::Xlsx,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
        FileType::Pptx,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
        FileType::Pptx,
    ),
];

/// Parts that run, by their types or names.
const ACTIVE: &[&str] = &[
    "macroenabled",
    "vbaproject",
    "vbadata",
    "activex",
    "oleobject",
    "xlmacrosheet",
    "macrosheet",
    "externallink",
    "customui",
    // Data that is fetched, and parts of other documents and of pages.
    "connections",
    "querytable",
    "ddelink",
    "afchunk",
    "attachedtemplate",
    "webextension",
];

/// How programs begin, and files of the older Office, which hold objects and macros.
const PROGRAMS: &[&[u8]] = &[
    b"MZ",
    b"\x7FELF",
    b"#!",
    b"\xFE\xED\xFA\xCE",
    b"\xFE\xED\xFA\xCF",
    b"\xCE\xFA\xED\xFE",
    b"\xCF\xFA\xED\xFE",
    b"\xCA\xFE\xBA\xBE",
    b"\xD0\xCF\x11\xE0",
];
const MAX_PROGRAM_LEN: usize = 4;

/// What was seen of a document so far.
#[derive(Debug, Default)]
pub(super) struct Office {
    /// The type of the document, and the name of its main part.
    main: Option<(FileType, String)>,
    has_types: bool,
    parts: HashSet<String>,
    /// Why this would be no document to take.
    flaw: Option<Refusal>,
    other: Option<&'static str>,
}

/// A part that is being read.
#[derive(Debug)]
pub(super) struct Part {
    name: String,
    /// Kept where it is a list that has to be read.
    list: Option<Vec<u8>>,
    is_xml: bool,
    head: Vec<u8>,
    instructions: Instructions,
    seam: Seam<{ DOCUMENT_TYPE.len() }>,
    has_document_type: bool,
}

const DOCUMENT_TYPE: &[u8] = b"<!DOCTYPE";

impl Part {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if let Some(list) = &mut self.list {
            if bytes.len() > MAX_LIST - list.len() {
                return Err(malformed("a list of parts that is too long"));
            }
            list.extend_from_slice(bytes);
        }
        let head = MAX_PROGRAM_LEN - self.head.len().min(MAX_PROGRAM_LEN);
        self.head.extend(bytes.iter().take(head));
        if self.is_xml && !bytes.is_empty() {
            self.instructions.push(bytes);
            self.find_document_type(bytes);
        }
        Ok(())
    }

    /// A document type can define entities, which no part of a document needs. In another
    /// encoding it would not be found.
    fn find_document_type(&mut self, bytes: &[u8]) {
        let is_wide = matches!(&*self.head, [0xFF | 0xFE | 0, ..]);
        let found = |text: &[u8]| memchr::memmem::find(text, DOCUMENT_TYPE).is_some();
        self.has_document_type |= is_wide || self.seam.any(bytes, found);
    }
}

impl Office {
    /// The next part of the archive.
    pub(super) fn part(&mut self, name: &[u8]) -> Result<Part, Refusal> {
        let lower = String::from_utf8_lossy(name).to_lowercase();
        let is_relations = lower.ends_with(".rels");
        if name == CONTENT_TYPES {
            self.has_types = true;
        }
        match &*lower {
            "meta-inf/manifest.mf" => self.other = Some("application/java-archive"),
            "androidmanifest.xml" => self.other = Some("application/vnd.android.package-archive"),
            "mimetype" => self.other = Some("another kind of document"),
            _ => {}
        }
        let is_embedded = lower.contains("/embeddings/");
        if is_embedded
            || ACTIVE
                .iter()
                .any(|word| lower.replace('/', "").contains(word))
        {
            self.note(active(format!(
                "a part that runs or holds a file: {}",
                short(&lower)
            )));
        }
        Ok(Part {
            list: (name == CONTENT_TYPES || is_relations).then(Vec::new),
            is_xml: is_relations || lower.ends_with(".xml") || lower.ends_with(".vml"),
            name: lower,
            head: Vec::new(),
            instructions: Instructions::default(),
            seam: Seam::default(),
            has_document_type: false,
        })
    }

    /// A part that was read.
    pub(super) fn add(&mut self, part: Part) -> Result<(), Refusal> {
        if part.has_document_type {
            self.note(active("a document type, which may define entities"));
        }
        if part.instructions.found() {
            self.note(active("a field or a formula that runs or loads something"));
        }
        if PROGRAMS.iter().any(|start| part.head.starts_with(start)) {
            self.note(active(format!("a program in it: {}", short(&part.name))));
        }
        if let Some(list) = part.list {
            let read = match part.name.as_bytes().eq_ignore_ascii_case(CONTENT_TYPES) {
                true => self.read_types(&list),
                false => read_relations(&list),
            };
            if let Err(flaw) = read {
                self.note(flaw);
            }
        }
        self.parts.insert(part.name);
        Ok(())
    }

    /// The first flaw stays. It counts only where the archive is taken for a document.
    fn note(&mut self, flaw: Refusal) {
        self.flaw.get_or_insert(flaw);
    }

    fn read_types(&mut self, list: &[u8]) -> Result<(), Refusal> {
        let mut main = None;
        each_element(list, |element| {
            let kind = attribute(element, "ContentType")?.unwrap_or_default();
            let lower = kind.to_ascii_lowercase();
            if ACTIVE.iter().any(|word| lower.contains(word)) {
                return Err(active(format!("a part of type {}", short(&kind))));
            }
            let known = MAIN
                .iter()
                .find(|(name, _)| lower.eq_ignore_ascii_case(name));
            if let (Some((_, kind)), Some(name)) = (known, attribute(element, "PartName")?) {
                if main.is_some() {
                    return Err(malformed("two main parts"));
                }
                main = Some((*kind, name.trim_start_matches('/').to_lowercase()));
            }
            Ok(())
        })?;
        self.main = main;
        Ok(())
    }

    /// Which type it is, and whether it is one to take as that.
    pub(super) fn judge(self, expected: FileType) -> Result<FileType, Refusal> {
        if let Some(other) = self.other {
            return Err(mismatch(format!("content is {other}")));
        }
        let is_document = self.has_types && self.parts.iter().any(|name| name == "_rels/.rels");
        if !is_document && expected == FileType::Zip {
            return Ok(FileType::Zip);
        }
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        match self.main {
            Some((kind, main)) if is_document && self.parts.contains(&main) => Ok(kind),
            Some(_) => Err(Refusal::new(
                RefusalKind::Malformed,
                "a document without its main part",
            )),
            None => Err(mismatch("an archive that is no document")),
        }
    }
}

/// Relations to the outside are links for people to follow, and nothing that is loaded.
fn read_relations(list: &[u8]) -> Result<(), Refusal> {
    each_element(list, |element| {
        let kind = attribute(element, "Type")?
            .unwrap_or_default()
            .to_ascii_lowercase();
        let mode = attribute(element, "TargetMode")?.unwrap_or_default();
        if mode.eq_ignore_ascii_case("external") {
            let target = attribute(element, "Target")?.unwrap_or_default();
            let target = target.trim_ascii_start().to_ascii_lowercase();
            let is_link = ["http:", "https:", "mailto:", "#"]
                .iter()
                .any(|start| target.starts_with(start));
            if !kind.ends_with("/hyperlink") || !is_link {
                return Err(active("a relation to the outside that is loaded"));
            }
        }
        match ACTIVE.iter().find(|word| kind.contains(**word)) {
            Some(word) => Err(active(format!("a relation to a part that runs: {word}"))),
            None => Ok(()),
        }
    })
}

fn each_element(
    list: &[u8],
    mut judge: impl FnMut(&BytesStart<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let broken = || malformed("a list of parts that is broken");
    let text = std::str::from_utf8(list).map_err(|_| broken())?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{FEFF}').unwrap_or(text));
    let mut depth = 0_u32;
    loop {
        match reader.read_event().map_err(|_| broken())? {
            Event::Start(element) => {
                depth += 1;
                judge(&element)?;
            }
            Event::Empty(element) => judge(&element)?,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof | Event::DocType(_) | Event::PI(_) | Event::GeneralRef(_) => {
                return Err(broken());
            }
            _ => {}
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Refusal> {
    let broken = || malformed("a list of parts that is broken");
    match element.try_get_attribute(name).map_err(|_| broken())? {
        None => Ok(None),
        Some(attribute) => {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            Ok(Some(value.map_err(|_| broken())?.into_owned()))
        }
    }
}

fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}
