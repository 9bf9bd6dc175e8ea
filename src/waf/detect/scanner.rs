//! Scanners that say who they are.

use super::Detector;
use super::sampled::sampled;
use crate::waf::signal::Sample::{Header, Path};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};
use memchr::memmem;

sampled! {
    class Scanner;
    AGENT: "scanner-agent", STRONG @ 1, "the name of a scanner in a header",
        [Header("user-agent", "sqlmap/1.7"), Header("user-agent", "Mozilla/5.0 zgrab/0.x"), Header("user-agent", "Nessus"), Header("x-scanner", "Netsparker")],
        [Header("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)"), Header("user-agent", "curl/8.5.0"), Header("user-agent", "python-requests/2.32")];
    TRACE: "scanner-trace", STRONG @ 1, "a path that only a scanner asks for",
        [Path("/acunetix-wvs-test-for-some-inexistent-file"), Path("/nessus_test")],
        [Path("/docs/nmap")];
}

pub(super) static DETECTOR: Detector = Detector {
    findings: ALL,
    places: Places::of(&[Place::Header, Place::Path, Place::Query]),
    bytes: b"",
    literals: AGENTS,
    cost: 1,
    run,
};

/// What scanners call themselves, in lower case. Tools that are good for other things as well,
/// such as curl, are not among them.
const AGENTS: &[&str] = &[
    "acunetix",
    "appscan",
    "arachni",
    "bbscan",
    "brutus",
    "bsqlbf",
    "burpcollaborator",
    "cgichk",
    "cmsmap",
    "commix",
    "crowbar",
    "dalfox",
    "datacha0s",
    "dirbuster",
    "dirsearch",
    "domino hunter",
    "feroxbuster",
    "fimap",
    "fuzz faster",
    "gobuster",
    "grabber",
    "grendel-scan",
    "gotestwaf",
    "havij",
    "httpx - open-source",
    "interactsh",
    "jaeles",
    "jorgee",
    "joomscan",
    "leakix",
    "masscan",
    "morfeus",
    "n-stealth",
    "nessus",
    "netsparker",
    "nikto",
    "nmap scripting",
    "nmap nse",
    "nsauditor",
    "nuclei",
    "openvas",
    "owasp zap",
    "pangolin",
    "paros/",
    "qualys was",
    "shellshock-scan",
    "skipfish",
    "springenwerk",
    "sqlmap",
    "sqlninja",
    "sqlsus",
    "toata dragostea",
    "vega/",
    "w3af",
    "wafw00f",
    "webinspect",
    "webshag",
    "whatweb",
    "wfuzz",
    "wpscan",
    "wprecon",
    "xsser",
    "xspider",
    "zgrab",
    "zmeu",
    "masscan-ng",
    "l9explore",
    "l9tcpid",
];

/// What it costs to look for all of them, in steps.
const STEPS_OF_AGENTS: usize = 4096;

fn run(view: &View<'_>, signals: &mut Signals) {
    if !signals.spend(STEPS_OF_AGENTS) {
        return;
    }
    let lower = view
        .bytes
        .get(..512)
        .unwrap_or(view.bytes)
        .to_ascii_lowercase();
    let found = AGENTS.iter().find_map(|agent| {
        let at = memmem::find(&lower, agent.as_bytes())?;
        let alone = at == 0 || !lower.get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
        alone.then_some(at..at + agent.len())
    });
    let Some(span) = found else { return };
    match (view.place, view.part) {
        (Place::Header, Part::Value) if view.name != b"referer" && view.name != b"host" => {
            signals.push(&AGENT, span);
        }
        (Place::Path | Place::Query, _) => {
            const TRACES: [&[u8]; 5] = [
                b"acunetix",
                b"acunetix_wvs",
                b"nessus",
                b"netsparker",
                b"w3af",
            ];
            let word = lower.get(span.clone()).unwrap_or_default();
            // Their marks are joined to other words: `nessus_test`, `acunetix-wvs-test`.
            let joined = lower
                .get(span.end)
                .is_some_and(|b| matches!(b, b'_' | b'-'));
            if joined && TRACES.contains(&word) {
                signals.push(&TRACE, span);
            }
        }
        _ => {}
    }
}
