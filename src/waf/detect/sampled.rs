//! One line for each finding whose tests are more than values of a parameter.

/// Declares findings and the list `ALL` of them: name, id, weight and level, title, requests it
/// must be found in, requests it must not be found in.
macro_rules! sampled {
    (class $class:ident;
     $($name:ident: $id:literal, $weight:ident @ $level:literal, $title:literal, [$($hit:expr),* $(,)?], [$($miss:expr),* $(,)?];)+) => {
        $(static $name: crate::waf::signal::Finding = crate::waf::signal::Finding {
            id: $id,
            name: $title,
            class: crate::waf::Class::$class,
            weight: crate::waf::signal::Weight::$weight,
            level: $level,
            tags: &[],
            hits: &[$($hit),*],
            misses: &[$($miss),*],
        };)+
        static ALL: &[&crate::waf::signal::Finding] = &[$(&$name),+];
    };
}

pub(super) use sampled;
