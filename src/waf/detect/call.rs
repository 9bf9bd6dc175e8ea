//! A call of a function with a technical name, as the whole value.

use super::Detector;
use super::macros::findings;
use super::text::Text;
use crate::waf::signal::Signals;
use crate::waf::view::{Place, Places, View};

findings! {
    class Php, tags &["php"];
    NAMED_CALL: "php-named-call", STRONG, "a call of a function with a technical name is the whole value",
        ["zend_test_x(", "is_numeric_ (1);"], ["a_b", "see get_x (below)", "get_x(1) is slow"];
}

pub(super) static DETECTOR: Detector = Detector {
    findings: ALL,
    places: Places::VALUES.without(&[Place::Json, Place::Graphql, Place::Header, Place::Path]),
    bytes: b"(",
    literals: &[],
    cost: 1,
    run,
};

fn run(view: &View<'_>, signals: &mut Signals) {
    let text = Text(view.bytes);
    let start = text.skip(text.skip_space(0), |byte| byte == b'@');
    let end = text.skip(start, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name = text.slice(start, end);
    let technical = memchr::memchr(b'_', name).is_some_and(|at| at > 0)
        && name.first().is_some_and(u8::is_ascii_alphabetic);
    let open = if text.at(end) == b' ' {
        end.saturating_add(1)
    } else {
        end
    };
    if !technical || text.at(open) != b'(' {
        return;
    }
    let last = text.back_space(text.len()).saturating_sub(1);
    if matches!(text.at(last), b'(' | b')' | b';') {
        signals.push(&NAMED_CALL, start..open);
    }
}
