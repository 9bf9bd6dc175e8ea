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
        pub(super) static ALL: &[&crate::waf::signal::Finding] = &[$(&$name),+];
    };
    (@level) => { 1 };
    (@level $level:literal) => { $level };
}

pub(super) use findings;
