use super::parameters::Parameters;
use crate::secret::{SecretBytes, SecretString};
use qrcode::render::svg;
use qrcode::{Color, QrCode};
use std::fmt::Write;
use zeroize::Zeroizing;

/// The longest name of an account in a URI, in bytes.
const MAX_NAME_LEN: usize = 128;

/// Pixels of a module, the smallest square of a QR code.
const PIXELS: u32 = 6;

/// Modules of white that a QR code needs around it (ISO/IEC 18004 section 9.1).
const QUIET_ZONE: usize = 4;

/// A new authenticator, to be shown to its user once: all of it is the secret in one form or
/// another. Send it with `Cache-Control: no-store`.
#[derive(Clone, Debug)]
pub struct Enrollment {
    uri: SecretString,
    secret: SecretString,
}

impl Enrollment {
    pub(super) fn new(
        issuer: &str,
        account_name: &str,
        parameters: Parameters,
        secret: &SecretBytes,
    ) -> Self {
        let secret = totp_rs::Secret::from(secret.expose()).to_base32();
        Self {
            uri: uri(issuer, account_name, parameters, &secret).into(),
            secret: secret.into(),
        }
    }

    /// The URI that apps read (`otpauth://totp/...`, the key URI format).
    #[must_use]
    pub const fn uri(&self) -> &SecretString {
        &self.uri
    }

    /// The secret for typing it in, in base32.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The URI as a QR code, in SVG. It has no style, script or reference in it, so it may
    /// stand in a page under the strictest Content-Security-Policy.
    #[must_use]
    pub fn qr_svg(&self) -> SecretString {
        let code = self.qr_code();
        let mut renderer = code.render::<svg::Color<'_>>();
        let svg = renderer.module_dimensions(PIXELS, PIXELS).build();
        // Without the XML declaration, which has no place inside a page.
        let start = svg.find("<svg").unwrap_or_default();
        let inline = svg.get(start..).unwrap_or_default().into();
        drop(Zeroizing::new(svg));
        inline
    }

    /// The URI as a QR code, in PNG.
    #[must_use]
    pub fn qr_png(&self) -> SecretBytes {
        let code = self.qr_code();
        let side = (code.width() + 2 * QUIET_ZONE) * PIXELS as usize;
        let row_bytes = side.div_ceil(8);
        // White, then the dark modules in black: a bit for each pixel.
        let mut image = Zeroizing::new(vec![0xff_u8; row_bytes * side]);
        for (y, row) in image.chunks_exact_mut(row_bytes).enumerate() {
            for x in (0..side).filter(|&x| is_dark(&code, x, y)) {
                if let Some(byte) = row.get_mut(x / 8) {
                    *byte &= !(0x80 >> (x % 8));
                }
            }
        }
        SecretBytes::from(png(side, &image))
    }

    #[expect(
        clippy::expect_used,
        reason = "with the bounds of its parts, a URI has less than half of what a QR code holds"
    )]
    fn qr_code(&self) -> QrCode {
        QrCode::new(self.uri.expose()).expect("the URI fits into a QR code")
    }
}

fn is_dark(code: &QrCode, x: usize, y: usize) -> bool {
    let module = |pixel: usize| (pixel / PIXELS as usize).checked_sub(QUIET_ZONE);
    let (Some(x), Some(y)) = (module(x), module(y)) else {
        return false;
    };
    x < code.width() && y < code.width() && code[(x, y)] == Color::Dark
}

#[expect(clippy::expect_used, reason = "writing to memory does not fail")]
fn png(side: usize, image: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut file, pixels, pixels);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().expect("the image has a size");
    writer
        .write_image_data(image)
        .expect("there are as many bytes as pixels ask for");
    writer.finish().expect("memory takes the end of the file");
    file
}

fn uri(issuer: &str, account_name: &str, parameters: Parameters, secret: &str) -> String {
    let name = fitting(account_name);
    // Room for the longest, so that no copy of the secret is left behind when it grows.
    let mut uri = String::with_capacity(1024);
    uri.push_str("otpauth://totp/");
    put_encoded(&mut uri, issuer);
    uri.push(':');
    put_encoded(&mut uri, name.trim());
    uri.push_str("?secret=");
    uri.push_str(secret);
    uri.push_str("&issuer=");
    put_encoded(&mut uri, issuer);
    let Parameters {
        algorithm,
        digits,
        period,
    } = parameters;
    let algorithm = algorithm.as_str();
    // All of them, also where they are the defaults: not every app knows those.
    put(
        &mut uri,
        format_args!("&algorithm={algorithm}&digits={digits}&period={period}"),
    );
    uri
}

/// The name without what would end it early or hide text, cut where a character ends.
fn fitting(name: &str) -> String {
    let cut = name.floor_char_boundary(MAX_NAME_LEN);
    let name = name.get(..cut).unwrap_or_default();
    let fit = |c: char| if c == ':' || c.is_control() { ' ' } else { c };
    name.chars().map(fit).collect()
}

/// RFC 3986 section 2.1: all but the unreserved characters.
fn put_encoded(uri: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            put(uri, format_args!("%{byte:02X}"));
        }
    }
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    // A string takes what it is given.
    let _always_written = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use super::super::Algorithm;
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn enrollment(issuer: &str, name: &str) -> Enrollment {
        Enrollment::new(issuer, name, Parameters::default(), &SECRET.into())
    }

    #[test]
    fn the_uri_is_as_apps_read_it() {
        const END: &str = "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=";
        const DEFAULTS: &str = "&algorithm=SHA1&digits=6&period=30";
        for (name, issuer, account, label, issuer_encoded) in [
            ("plain", "Shop", "ann", "Shop:ann", "Shop"),
            (
                "address",
                "Shop",
                "ann+x@example.com",
                "Shop:ann%2Bx%40example.com",
                "Shop",
            ),
            (
                "spaces",
                "My Shop",
                "Ann S",
                "My%20Shop:Ann%20S",
                "My%20Shop",
            ),
            (
                "other letters",
                "Käse",
                "é",
                "K%C3%A4se:%C3%A9",
                "K%C3%A4se",
            ),
            ("colon", "Shop", "a:b", "Shop:a%20b", "Shop"),
            (
                "nothing breaks out",
                "S",
                "a?secret=A&issuer=B#",
                "S:a%3Fsecret%3DA%26issuer%3DB%23",
                "S",
            ),
            ("lines", "Shop", "a\r\nb\0", "Shop:a%20%20b", "Shop"),
            ("empty", "Shop", "", "Shop:", "Shop"),
        ] {
            let expected = format!("otpauth://totp/{label}{END}{issuer_encoded}{DEFAULTS}");
            assert_eq!(
                enrollment(issuer, account).uri().expose(),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn the_longest_uri_fits_into_a_qr_code() {
        let parameters = Parameters {
            algorithm: Algorithm::Sha512,
            digits: 8,
            period: 15,
        };
        let secret = SecretBytes::from(vec![0xa5; 64]);
        let issuer = "ä".repeat(32);
        let longest = Enrollment::new(&issuer, &"ä€".repeat(100), parameters, &secret);
        let length = longest.uri().expose().len();
        assert!((850..1024).contains(&length), "{length}");
        assert!(longest.qr_svg().expose().len() > 1000);
        assert!(!longest.qr_png().expose().is_empty());
    }

    #[test]
    fn the_svg_may_stand_in_a_page() {
        let svg = enrollment("Shop", "<script>alert(1)</script>").qr_svg();
        let svg = svg.expose();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
        for no_place in ["<?", "<!", "style", "script", "href", " on", "url("] {
            assert!(!svg.contains(no_place), "{no_place}");
        }
    }

    #[test]
    fn both_images_show_the_code() {
        let enrollment = enrollment("Shop", "ann@example.com");
        let code = QrCode::new(enrollment.uri().expose()).unwrap();
        let file = enrollment.qr_png();
        let decoder = png::Decoder::new(std::io::Cursor::new(file.expose()));
        let mut reader = decoder.read_info().unwrap();
        let mut image = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut image).unwrap();
        let side = (code.width() + 8) * 6;
        assert_eq!((info.width as usize, info.height as usize), (side, side));
        let mut dark = 0;
        for y in 0..side {
            for x in 0..side {
                let is_black = image[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
                let inside = |pixel: usize| (4..4 + code.width()).contains(&(pixel / 6));
                let expected =
                    inside(x) && inside(y) && code[(x / 6 - 4, y / 6 - 4)] == Color::Dark;
                assert_eq!(is_black, expected, "{x} {y}");
                dark += usize::from(is_black);
            }
        }
        let modules = code
            .to_colors()
            .iter()
            .filter(|c| **c == Color::Dark)
            .count();
        assert_eq!(dark, modules * 36);
        let size = format!(r#"width="{side}" height="{side}""#);
        assert!(enrollment.qr_svg().expose().contains(&size));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", enrollment("Shop", "ann"));
        assert!(
            !shown.contains("GEZD") && !shown.contains("otpauth"),
            "{shown}"
        );
    }
}
