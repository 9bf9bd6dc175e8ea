//! PDF (ISO 32000-2): objects from the header to the end, streams passed over by their length,
//! object streams expanded and read like the rest.
//!
//! Readers find objects by tables that this does not follow. So nothing may stand between
//! objects, and no stream, string or comment may hold what looks like the head of an object,
//! however much stands between its numbers and its word: whatever a table points to, it is
//! among what was read. The places that an object stream names itself are followed. Where
//! readers differ in what they take, as of a key that comes twice, it is refused.
//!
//! What runs or reaches out is known by the names of ISO 32000-2 section 12.6, however they are
//! escaped; links by their scheme. Fonts and images are not looked into.

mod dictionary;
mod head;
mod lexer;
mod link;
mod name;
mod packed;

use super::Facts;
use super::inflate::{Inflater, Meter};
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed, polyglot};
use dictionary::Stream;
use head::HeadFinder;
use lexer::Lexer;
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
    heads: HeadFinder,
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
        let expanded = match stream.objects {
            None => None,
            Some(objects) => Some(Objects {
                inflater: objects.is_deflated.then(Inflater::zlib),
                lexer: Lexer::objects(objects)?,
                start,
                is_over: false,
            }),
        };
        Ok(Self {
            heads: HeadFinder::default(),
            expanded,
        })
    }

    fn push(&mut self, bytes: &[u8], meter: &mut Meter) -> Result<(), Refusal> {
        if self.heads.push(bytes) {
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
            Some(mut objects) => match objects.lexer.finish()? {
                true => Ok(()),
                false => Err(malformed("packed objects that end within one")),
            },
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
