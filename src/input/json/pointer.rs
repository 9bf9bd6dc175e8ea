//! Where a value is: JSON pointers (RFC 6901), and patterns of them.

use std::fmt::Write;

/// A step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// The pointer of a value that is reached by these steps.
pub(super) fn pointer(steps: &[Step]) -> String {
    let mut pointer = String::new();
    for step in steps {
        let _infallible = match step {
            Step::Name(name) => write!(pointer, "/{}", escaped(name)),
            Step::Index(index) => write!(pointer, "/{index}"),
        };
    }
    pointer
}

/// A name as it is written in a pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A JSON pointer in which `*` stands for any name or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Option<String>>);

impl Pattern {
    /// Reads a pattern. A text without a slash in front is the name of a field of the document
    /// itself, as forms have them.
    pub(crate) fn new(text: &str) -> Self {
        let unescaped =
            |step: &str| (step != "*").then(|| step.replace("~1", "/").replace("~0", "~"));
        match text.strip_prefix('/') {
            Some(steps) => Self(steps.split('/').map(unescaped).collect()),
            None if text.is_empty() => Self(Vec::new()),
            None => Self(vec![Some(text.to_owned())]),
        }
    }

    /// Whether this is the pattern of a value that is reached by these steps.
    pub(super) fn matches(&self, steps: &[Step]) -> bool {
        self.0.len() == steps.len() && self.covers(steps)
    }

    /// Whether a value that is reached by these steps is one of this pattern, or on the way.
    pub(super) fn covers(&self, steps: &[Step]) -> bool {
        let fits = |(wanted, step): (&Option<String>, &Step)| match (wanted, step) {
            (None, _) => true,
            (Some(wanted), Step::Name(name)) => wanted == name,
            (Some(wanted), Step::Index(index)) => *wanted == index.to_string(),
        };
        self.0.len() >= steps.len() && self.0.iter().zip(steps).all(fits)
    }

    /// Whether this is the pattern of a field of a form.
    #[cfg(feature = "sanitize")]
    pub(crate) fn is_field(&self, name: &str) -> bool {
        match self.0.as_slice() {
            [None] => true,
            [Some(wanted)] => wanted == name,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let name = |name: &str| Step::Name(name.to_owned());
        for (pattern, steps, matches, covers) in [
            ("/a", vec![name("a")], true, true),
            ("/a", vec![name("b")], false, false),
            ("/a", vec![], false, true),
            ("/a", vec![name("a"), name("b")], false, false),
            ("/a/*", vec![name("a"), Step::Index(3)], true, true),
            ("/a/*", vec![name("a")], false, true),
            ("/a/3", vec![name("a"), Step::Index(3)], true, true),
            ("/*/b", vec![name("a"), name("b")], true, true),
            ("/a~1b", vec![name("a/b")], true, true),
            ("/a~01", vec![name("a~1")], true, true),
            ("a", vec![name("a")], true, true),
            ("", vec![], true, true),
            ("/", vec![name("")], true, true),
        ] {
            let pattern = Pattern::new(pattern);
            assert_eq!(pattern.matches(&steps), matches, "{pattern:?} {steps:?}");
            assert_eq!(pattern.covers(&steps), covers, "{pattern:?} {steps:?}");
        }
        assert_eq!(pointer(&[name("a/b~"), Step::Index(0)]), "/a~1b~0/0");
    }
}
