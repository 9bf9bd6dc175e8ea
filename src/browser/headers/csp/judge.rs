//! What makes a policy contradict itself, and what makes it weak: pure rules on lists.

use super::super::ConfigError;
use super::{Directive, Source};

type Lists = [(Directive, Vec<Source>)];

/// The sources that a policy names for this very directive.
pub(super) fn named(lists: &Lists, directive: Directive) -> Option<&[Source]> {
    let found = lists.iter().find(|(named, _)| *named == directive);
    found.map(|(_, sources)| sources.as_slice())
}

/// The directive that speaks for this one, and its sources.
fn effective(lists: &Lists, directive: Directive) -> Option<(Directive, &[Source])> {
    let candidates = std::iter::once(directive).chain(directive.fallbacks().iter().copied());
    candidates
        .filter_map(|candidate| Some((candidate, named(lists, candidate)?)))
        .next()
}

/// Refuses sources that browsers would ignore where they stand.
pub(super) fn check_meaning(lists: &Lists) -> Result<(), ConfigError> {
    for (directive, sources) in lists {
        for source in sources {
            let has_place = if source.is_for_scripts() {
                directive.is_script()
            } else if source.is_for_scripts_and_styles() {
                directive.is_script() || directive.is_style()
            } else {
                true
            };
            if !has_place {
                return Err(ConfigError::misplaced(*directive, source));
            }
        }
        let trusts_nothing = !sources.iter().any(Source::is_nonce_or_hash);
        if sources.contains(&Source::STRICT_DYNAMIC) && trusts_nothing {
            return Err(ConfigError::StrictDynamicAlone(*directive));
        }
    }
    Ok(())
}

/// Refuses lists that injected scripts can pass: what Google's CSP Evaluator rates high, and
/// the host lists and `eval` that it rates as maybe so.
pub(super) fn check_strength(lists: &Lists) -> Result<(), ConfigError> {
    for directive in [
        Directive::ScriptSrc,
        Directive::ScriptSrcElem,
        Directive::ScriptSrcAttr,
    ] {
        let Some((directive, sources)) = effective(lists, directive) else {
            continue;
        };
        let trusts_elements = sources.iter().any(Source::is_nonce_or_hash);
        let ignores_places = sources.contains(&Source::STRICT_DYNAMIC);
        let is_weak = |source: &&Source| {
            if **source == Source::SELF {
                return false;
            }
            if **source == Source::UNSAFE_INLINE {
                return !trusts_elements;
            }
            [Source::UNSAFE_EVAL, Source::UNSAFE_HASHES].contains(source)
                || (source.is_place() && !ignores_places)
        };
        if let Some(weak) = sources.iter().find(is_weak) {
            return Err(ConfigError::weak(directive, weak));
        }
    }

    // A plugin runs scripts, whatever the list of scripts says.
    if let Some((directive, sources)) = effective(lists, Directive::ObjectSrc)
        && let Some(weak) = sources.iter().find(|s| s.is_place() && **s != Source::SELF)
    {
        return Err(ConfigError::weak(directive, weak));
    }
    // A `<base>` that points elsewhere moves every relative script there.
    if let Some(sources) = named(lists, Directive::BaseUri)
        && let Some(weak) = sources.iter().find(|s| s.is_unbounded())
    {
        return Err(ConfigError::weak(Directive::BaseUri, weak));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Csp;
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        let cases = [
            ("a nonce for images", Directive::ImgSrc, Source::NONCE),
            (
                "a hash for connections",
                Directive::ConnectSrc,
                Source::hash_of("x"),
            ),
            (
                "a nonce for frames",
                Directive::FrameAncestors,
                Source::NONCE,
            ),
            ("inline forms", Directive::FormAction, Source::UNSAFE_INLINE),
            (
                "trust passed on by styles",
                Directive::StyleSrc,
                Source::STRICT_DYNAMIC,
            ),
            (
                "eval in styles",
                Directive::StyleSrcElem,
                Source::UNSAFE_EVAL,
            ),
        ];
        for (name, directive, source) in cases {
            let refusal = Csp::page().allow(directive, [source.clone()]).build();
            let expected = ConfigError::misplaced(directive, &source);
            assert_eq!(refusal, Err(expected), "{name}");
        }
        let alone = Csp::page()
            .allow(Directive::ScriptSrc, [Source::STRICT_DYNAMIC])
            .build();
        assert_eq!(
            alone,
            Err(ConfigError::StrictDynamicAlone(Directive::ScriptSrc))
        );
    }

    #[test]
    fn weak_scripts_are_refused_unless_told() {
        let host = || "https://cdn.example.com".parse::<Source>().unwrap();
        let cases = [
            ("inline", Directive::ScriptSrc, vec![Source::UNSAFE_INLINE]),
            (
                "inline by default",
                Directive::ScriptSrcElem,
                vec![Source::UNSAFE_INLINE],
            ),
            (
                "handlers",
                Directive::ScriptSrcAttr,
                vec![Source::UNSAFE_INLINE],
            ),
            (
                "eval",
                Directive::ScriptSrc,
                vec![Source::NONCE, Source::UNSAFE_EVAL],
            ),
            ("a host", Directive::ScriptSrc, vec![host()]),
            (
                "a host beside a nonce",
                Directive::ScriptSrc,
                vec![Source::NONCE, host()],
            ),
            (
                "any host over TLS",
                Directive::ScriptSrc,
                vec![Source::HTTPS],
            ),
            ("data", Directive::ScriptSrc, vec![Source::DATA]),
            ("everything", Directive::ScriptSrc, vec![Source::ANY_HOST]),
            ("plugins", Directive::ObjectSrc, vec![host()]),
            ("any plugin", Directive::ObjectSrc, vec![Source::ANY_HOST]),
            ("any base", Directive::BaseUri, vec![Source::HTTPS]),
        ];
        for (name, directive, sources) in cases {
            let policy = Csp::page().allow(directive, sources);
            let refusal = policy.clone().build();
            assert!(
                matches!(refusal, Err(ConfigError::WeakScripts { .. })),
                "{name}"
            );
            assert!(
                policy.insecure_allow_weak_scripts().build().is_ok(),
                "{name}"
            );
        }
        // Whatever stands in for a directive is judged like it.
        let everything = Csp::nothing().allow(Directive::DefaultSrc, [Source::ANY_HOST]);
        let expected = ConfigError::weak(Directive::DefaultSrc, &Source::ANY_HOST);
        assert_eq!(everything.build(), Err(expected));
    }

    #[test]
    fn sound_policies_pass() {
        let cases = [
            ("nothing", Csp::nothing()),
            ("a page", Csp::page()),
            ("a strict page", Csp::strict_page()),
            ("a file", Csp::untrusted_file()),
            (
                "own scripts",
                Csp::page().allow(Directive::ScriptSrc, [Source::SELF]),
            ),
            (
                "a hash",
                Csp::page().allow(Directive::ScriptSrc, [Source::hash_of("start()")]),
            ),
            (
                "wasm",
                Csp::page().allow(
                    Directive::ScriptSrc,
                    [Source::NONCE, Source::WASM_UNSAFE_EVAL],
                ),
            ),
            (
                "inline styles",
                Csp::page().allow(Directive::StyleSrc, [Source::UNSAFE_INLINE]),
            ),
            (
                "images from anywhere",
                Csp::page().allow(Directive::ImgSrc, [Source::HTTPS, Source::DATA]),
            ),
        ];
        for (name, policy) in cases {
            assert!(policy.build().is_ok(), "{name}");
        }
    }
}
