//! One line for each finding of a detector.

/// Declares findings and the list `ALL` of them: name, id, weight, title, texts it must be
/// found in, texts it must not be found in. A row may name a level behind its weight.
macro_rules! findings {
    (class $class:ident, tags $tags:expr;
     $($name:ident: $id:literal, $weight:ident $(@ $level:literal)?, $title:literal, [$($hit:expr),* $(,)?], [$($miss:expr),* $(,)?];)+) => {
        $(pub(super) static $name: crate::waf::signal::Finding = crate::waf::signal::Finding {
            id: $id,
            name: $title,
            class: crate::waf::Class::$class,
            weight: crate::waf::signal::Weight::$weight,
            level: $crate::waf::detect::macros::findings!(@level $($level)?),
            tags: $tags,
            hits: &[$(crate::waf::signal::Sample::Value($hit)),*],
            misses: &[$(crate::waf::signal::Sample::Value($miss)),*],
        };)+
        #[allow(dead_code, reason = "a detector of two classes lists its findings itself")]
        pub(in crate::waf::detect) static ALL: &[&crate::waf::signal::Finding] = &[$(&$name),+];
    };
    (@level) => { 1 };
    (@level $level:literal) => { $level };
}

pub(super) use findings;

/// Declares patterns and the list `PATTERNS` of them: a row is name, id, weight, title,
/// literals of which every match holds one, the pattern, texts it must match, texts it must
/// not. The pattern is compared without case.
macro_rules! patterns {
    (class $class:ident, tags $tags:expr, places $places:expr;
     $($name:ident: $id:literal, $weight:ident $(@ $level:literal)?, $title:literal,
       literals [$($literal:literal),* $(,)?], $pattern:expr, [$($hit:expr),* $(,)?], [$($miss:expr),* $(,)?];)+) => {
        $(static $name: crate::waf::detect::Pattern = crate::waf::detect::Pattern {
            finding: crate::waf::signal::Finding {
                id: $id,
                name: $title,
                class: crate::waf::Class::$class,
                weight: crate::waf::signal::Weight::$weight,
                level: crate::waf::detect::macros::findings!(@level $($level)?),
                tags: $tags,
                hits: &[$(crate::waf::signal::Sample::Value($hit)),*],
                misses: &[$(crate::waf::signal::Sample::Value($miss)),*],
            },
            places: $places,
            literals: &[$($literal),*],
            pattern: concat!("(?i-u)", $pattern),
        };)+
        pub(in crate::waf::detect) static PATTERNS: &[&crate::waf::detect::Pattern] = &[$(&$name),+];
    };
}

pub(super) use patterns;
