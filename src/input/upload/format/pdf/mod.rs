//! PDF (ISO 32000-2): objects from the header to the end, streams passed over by their length,
//! object streams expanded and read like the rest.
//!
//! Readers find objects by tables that this does not follow. So nothing may stand between
//! objects, and no stream may hold what looks like an object: whatever a table points to, it
//! is among what was read. What runs or reaches out is known by the names of ISO 32000-2
//! section 12.6, however they are escaped.

mod lexer;

use super::Facts;
use super::inflate::{Inflater, Meter};
use super::seam::Seam;
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed, opaque, polyglot};
use lexer::{Lexer, Stream};
use memchr::memmem;

const END_STREAM: &[u8] = b"endstream";

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let header: [u8; 8] = feed.take().await?;
    if !matches!(
        &header,
        [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9']
    ) {
        return Err(malformed("a version that there is not"));
    }
    let mut lexer = Lexer::file();
    let mut meter = Meter::new(rules.archive);
    while !feed.is_at_end().await {
        let found = feed
            .scan(Fate::Keep, |bytes| {
                let (read, stream) = lexer.push(bytes)?;
                Ok(Step(read, Some(stream)))
            })
            .await?;
        if let Some(stream) = found {
            pass_stream(&feed, &stream, &mut meter).await?;
        }
    }
    match lexer.finish()? {
        true => Ok(Facts::default()),
        false => Err(Refusal::new(RefusalKind::Truncated, "it ends too early")),
    }
}

/// Passes over the content of a stream, and reads it where it holds objects.
async fn pass_stream(feed: &Feed, stream: &Stream, meter: &mut Meter) -> Result<(), Refusal> {
    // ISO 32000-2 section 7.3.8.1: CRLF or LF.
    match feed.peek().await? {
        [b'\r', b'\n'] => feed.keep(2).await?,
        [b'\n', _] => feed.keep(1).await?,
        _ => return Err(malformed("a stream without a line break before it")),
    }
    let mut content = Content::new(stream, feed.position())?;
    match stream.length {
        Some(length) => {
            let mut result = Ok(());
            feed.pass(length, Fate::Keep, |bytes| {
                if result.is_ok() {
                    result = content.push(bytes, meter);
                }
            })
            .await?;
            result?;
            end_of_stream(feed).await?;
        }
        // The length is another object: up to the first end.
        None => {
            feed.scan(Fate::Keep, |bytes| {
                let end = memmem::find(bytes, END_STREAM);
                let safe = bytes.len().saturating_sub(END_STREAM.len() - 1);
                let here = end.unwrap_or(safe);
                content.push(bytes.get(..here).unwrap_or_default(), meter)?;
                Ok(match end {
                    Some(at) => Step(at + END_STREAM.len(), Some(())),
                    None => Step(here, None),
                })
            })
            .await?;
        }
    }
    content.finish()
}

async fn end_of_stream(feed: &Feed) -> Result<(), Refusal> {
    while let [b' ' | b'\t' | b'\r' | b'\n'] = feed.peek().await? {
        feed.keep(1).await?;
    }
    let end: [u8; 9] = feed.take().await?;
    match end == *END_STREAM {
        true => Ok(()),
        false => Err(malformed("a stream that is not as long as it says")),
    }
}

/// What is inside of a stream.
struct Content {
    seam: Seam<LONGEST_HEAD>,
    expanded: Option<Objects>,
}

struct Objects {
    inflater: Option<Inflater>,
    lexer: Lexer,
    /// How much of the file was read before.
    start: u64,
    is_over: bool,
}

impl Content {
    fn new(stream: &Stream, start: u64) -> Result<Self, Refusal> {
        let expanded = match (stream.holds_objects, stream.is_plain, stream.is_deflated) {
            (false, ..) => None,
            (true, true, is_deflated) => Some(Objects {
                inflater: is_deflated.then(Inflater::zlib),
                lexer: Lexer::objects(),
                start,
                is_over: false,
            }),
            (true, false, _) => {
                return Err(opaque("objects packed in a way that cannot be looked into"));
            }
        };
        Ok(Self {
            seam: Seam::default(),
            expanded,
        })
    }

    fn push(&mut self, bytes: &[u8], meter: &mut Meter) -> Result<(), Refusal> {
        if self.seam.any(bytes, holds_object) {
            return Err(polyglot("an object within a stream"));
        }
        match &mut self.expanded {
            Some(objects) => objects.push(bytes, meter),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<(), Refusal> {
        match self.expanded {
            None => Ok(()),
            Some(objects) if objects.inflater.is_some() && !objects.is_over => {
                Err(malformed("packed objects that end too early"))
            }
            Some(mut objects) => objects.lexer.finish().map(|_| ()),
        }
    }
}

impl Objects {
    fn push(&mut self, bytes: &[u8], meter: &mut Meter) -> Result<(), Refusal> {
        let Some(inflater) = &mut self.inflater else {
            return self.lexer.push_all(bytes);
        };
        if self.is_over {
            return Ok(());
        }
        let start = self.start;
        let lexer = &mut self.lexer;
        self.is_over = inflater.push(bytes, |out, read| {
            meter.note(out.len(), start + read)?;
            lexer.push_all(out)
        })?;
        Ok(())
    }
}

/// The longest head of an object: two numbers, of ten digits and five, white space, a word.
const LONGEST_HEAD: usize = 32;

/// Whether there is what would be read as an object if a table pointed there: `1 0 obj`.
fn holds_object(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, b"obj").any(|at| {
        let before = bytes.get(..at).unwrap_or_default();
        let generation = without_blanks(before);
        let number = without_digits(generation);
        let blank = without_blanks(number);
        generation.len() > number.len()
            && number.len() > blank.len()
            && blank.last().is_some_and(u8::is_ascii_digit)
    })
}

fn without_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().rev().take(LONGEST_HEAD);
    let blanks = blanks.take_while(|byte| lexer::is_blank(**byte)).count();
    bytes.get(..bytes.len() - blanks).unwrap_or_default()
}

fn without_digits(bytes: &[u8]) -> &[u8] {
    let digits = bytes.iter().rev().take(LONGEST_HEAD);
    let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
    bytes.get(..bytes.len() - digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_within_streams() {
        for (text, expected) in [
            (&b"x 1 0 obj <<"[..], true),
            (b"1\n0\tobj", true),
            (b"1 0obj", true),
            (b"endobj", false),
            (b"an object", false),
            (b"0 obj", false),
        ] {
            assert_eq!(holds_object(text), expected, "{}", text.escape_ascii());
        }
    }
}
