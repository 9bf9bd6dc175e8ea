//! The structure of each type, checked to its end while the bytes pass.

mod avif;
mod bmp;
mod boxes;
mod code;
mod gif;
mod gzip;
mod inflate;
mod jpeg;
mod mp4;
mod pdf;
mod png;
mod riff;
mod seam;
mod svg;
mod text;
mod tiff;
mod wav;
mod webp;
mod zip;

pub(super) use code::ArchiveTail;
pub(super) use text::is_control;

use super::feed::{Fate, Feed, Scanner};
use super::policy::Rules;
use super::refusal::{RefusalKind, malformed, polyglot};
use super::report::{Cleaning, Flag};
use super::{FileType, Refusal};
use code::CodeFinder;

/// What a parser found.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The exact type, where the first bytes did not tell.
    pub(super) kind: Option<FileType>,
    /// Width and height.
    pub(super) pixels: Option<(u32, u32)>,
    pub(super) cleaning: Option<Cleaning>,
    pub(super) flags: Vec<Flag>,
}

impl Facts {
    /// Notes the size of an image, or of one of its frames; the first stays.
    fn note_size(&mut self, width: u32, height: u32, rules: &Rules) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(malformed("an image without pixels"));
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > rules.max_pixels {
            let reason = format!(
                "{width} x {height} pixels are more than {}",
                rules.max_pixels
            );
            return Err(Refusal::new(RefusalKind::TooManyPixels, reason));
        }
        self.pixels.get_or_insert((width, height));
        Ok(())
    }

    fn note_cleaning(&mut self, cleaning: Cleaning) {
        self.cleaning = self.cleaning.max(Some(cleaning));
    }

    fn note_flag(&mut self, flag: Flag) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// Passes over metadata: it goes where the policy strips, `fate` being how, and stays
    /// otherwise, unless there is code in it.
    async fn pass_metadata(
        &mut self,
        feed: &Feed,
        rules: &Rules,
        length: u64,
        fate: Fate,
    ) -> Result<(), Refusal> {
        let mut finder = CodeFinder::default();
        let fate = if rules.strips { fate } else { Fate::Keep };
        feed.pass(length, fate, |bytes| finder.push(bytes)).await?;
        self.judge_metadata(rules, finder.found())
    }

    fn judge_metadata(&mut self, rules: &Rules, has_code: bool) -> Result<(), Refusal> {
        match (rules.strips, has_code) {
            (true, false) => self.note_cleaning(Cleaning::Metadata),
            (true, true) => self.note_cleaning(Cleaning::Code),
            (false, true) => return Err(polyglot("code in the metadata")),
            (false, false) => {}
        }
        Ok(())
    }
}

/// Reads and keeps bytes that programs pass over: there must be no code among them.
async fn pass_ignored(feed: &Feed, length: u64) -> Result<(), Refusal> {
    let mut finder = CodeFinder::default();
    feed.pass(length, Fate::Keep, |bytes| finder.push(bytes))
        .await?;
    match finder.found() {
        true => Err(polyglot("code in a part that programs pass over")),
        false => Ok(()),
    }
}

/// Reads and keeps compressed pixels or sound. Decoders do not look behind what they need.
async fn pass_data(feed: &Feed, length: u64) -> Result<(), Refusal> {
    let mut finder = CodeFinder::in_data();
    feed.pass(length, Fate::Keep, |bytes| finder.push(bytes))
        .await?;
    judge_data(&finder)
}

fn judge_data(finder: &CodeFinder) -> Result<(), Refusal> {
    match finder.found() {
        true => Err(polyglot("code in the data of an image or a sound")),
        false => Ok(()),
    }
}

/// A parser at the start of a file whose first bytes are of this type.
pub(super) fn scanner(kind: FileType, rules: Rules) -> Scanner {
    Scanner::new(move |feed| match kind {
        FileType::Jpeg => Box::pin(jpeg::scan(feed, rules)),
        FileType::Png => Box::pin(png::scan(feed, rules)),
        FileType::Gif => Box::pin(gif::scan(feed, rules)),
        FileType::Webp => Box::pin(webp::scan(feed, rules)),
        FileType::Bmp => Box::pin(bmp::scan(feed, rules)),
        FileType::Tiff => Box::pin(tiff::scan(feed, rules)),
        FileType::Avif => Box::pin(avif::scan(feed, rules)),
        FileType::Svg => Box::pin(svg::scan(feed)),
        FileType::Pdf => Box::pin(pdf::scan(feed, rules)),
        FileType::Docx | FileType::Xlsx | FileType::Pptx | FileType::Zip => {
            Box::pin(zip::scan(feed, rules))
        }
        FileType::Gzip => Box::pin(gzip::scan(feed, rules)),
        FileType::Mp4 => Box::pin(mp4::scan(feed)),
        FileType::Wav => Box::pin(wav::scan(feed)),
        FileType::Text | FileType::Csv | FileType::Json => Box::pin(text::scan(feed, rules)),
    })
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
