//! libinjection as an oracle: what it takes for SQL injection or scripts is refused here, too,
//! and what is not is counted and explained.

use super::attacks;
use super::benign;
use portcullis::waf::{RawRequest, Ruleset, Waf};

fn oracle(value: &str) -> bool {
    let value = value.as_bytes();
    libinjectionrs::detect_sqli(value).is_injection()
        || libinjectionrs::detect_xss(value).is_injection()
}

fn refused(waf: &Waf, value: &str) -> bool {
    let target = format!("/?q={}", attacks::encode(value));
    waf.judge(&RawRequest::new("GET", &target)).is_hostile()
}

/// What libinjection sees of these and the firewall does not, and how many it sees in all.
fn missed(values: impl Iterator<Item = String>) -> (Vec<String>, usize) {
    let waf = Waf::new(Ruleset::builtin());
    let seen: Vec<_> = values.filter(|value| oracle(value)).collect();
    let count = seen.len();
    let missed = seen.into_iter().filter(|value| !refused(&waf, value));
    (missed.collect(), count)
}

#[test]
fn of_our_own_attacks_nothing_that_it_sees_is_missed() {
    let classes = ["sqli", "xss"];
    let values = attacks::all().filter(|(class, _)| classes.contains(class));
    let values = values.flat_map(|(_, values)| values.iter().map(|value| (*value).to_owned()));
    let (missed, count) = missed(values);
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(count > 300, "{count}");
}

/// Every beginning with every middle and every end.
fn combined(
    heads: &'static [&str],
    middles: &'static [&str],
    tails: &'static [&str],
) -> impl Iterator<Item = String> {
    heads.iter().flat_map(move |head| {
        middles.iter().flat_map(move |middle| {
            tails
                .iter()
                .map(move |tail| format!("{head}{middle}{tail}"))
        })
    })
}

#[test]
fn of_injected_queries_nothing_that_it_sees_is_missed() {
    let values = combined(
        &["1", "x'", "1\"", "1)", "x')", "-1", "x' "],
        &[
            " or 1=1",
            " or 'a'='a'",
            " and 2>1",
            " union select 1,2",
            " union all select null from t",
            ";drop table t",
            " order by 5",
            " having 1=1",
            "||(select 1)",
            " and sleep(5)",
            " like 1",
            " in (select 1)",
            " is not null",
            " between 1 and 2",
            " and (select count(*) from t)>1",
            " procedure analyse()",
            " into outfile 'x'",
            ";exec xp_cmdshell 'dir'",
            ";waitfor delay '0:0:5'",
            " limit 1 offset 2",
            " xor 1",
            " && 1=1",
            " rlike 1",
            " div 1",
        ],
        &["", "--", "-- ", "#", "/*", " and 'b'='b", ") or (1=1"],
    );
    let (missed, count) = missed(values);
    // A comparison that is English, too, and alone: it breaks no query and decides nothing.
    let harmless = [
        "is not null",
        "between 1 and 2",
        "limit 1",
        "like 1",
        "xor 1",
        "div 1",
        "order by 5",
    ];
    let (explained, unexplained): (Vec<_>, Vec<_>) = missed
        .iter()
        .partition(|value| harmless.iter().any(|word| value.contains(word)));
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    let explained = explained.len();
    assert!(explained <= 32 && count > 1000, "{explained} of {count}");
}

#[test]
fn of_markup_nothing_that_it_sees_is_missed() {
    let values = combined(
        &[
            "",
            "x",
            "\"><",
            "'><",
            "</textarea><",
            "<",
            "\" ",
            "' ",
            "` ",
        ],
        &[
            "script",
            "svg",
            "iframe src=x",
            "img src=x",
            "a href=x",
            "p",
            "style",
            "onclick",
            "onerror",
            "style=x",
            "href=javascript:a()",
            "formaction=javascript:a()",
            "xmlns=x",
            "!doctype x",
            "!--",
            "?import",
            "x:y",
        ],
        &["", ">", " onload=a()>", "=a()", "=a() x=\"", "/onx=a>"],
    );
    let (missed, count) = missed(values);
    // Styles that load nothing, names of XML and types of documents do nothing, and an attribute
    // with no quote before it ends no other.
    let idle = ["style", "xmlns", "!doctype"];
    let (explained, unexplained): (Vec<_>, Vec<_>) = missed
        .iter()
        .partition(|value| value.starts_with("on") || idle.iter().any(|word| value.contains(word)));
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    let explained = explained.len();
    assert!(explained <= 76 && count > 300, "{explained} of {count}");
}

/// Where it is wrong: honest values that it takes for attacks, none of which is refused here.
#[test]
fn what_it_is_wrong_about_is_admitted() {
    let wrong: Vec<_> = benign::all().filter(|value| oracle(value)).collect();
    let waf = Waf::new(Ruleset::builtin());
    assert!(wrong.iter().all(|value| !refused(&waf, value)));
    assert!(!wrong.is_empty(), "{wrong:#?}");
}
