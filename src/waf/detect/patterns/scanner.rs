//! Programs that look for holes and say so.

use crate::waf::detect::macros::patterns;
use crate::waf::view::{Place, Places};

patterns! {
    class Scanner, tags &["scanner"], places Places::of(&[Place::Header]);
    AGENT: "scanner-agent", STRONG, "a scanner by its own words",
        literals [
            "nessus", "nikto", "sqlmap", "acunetix", "nmap", "masscan", "wpscan", "openvas", "w3af", "dirbuster", "gobuster", "ffuf", "feroxbuster", "nuclei", "zgrab", "hydra", "havij", "arachni",
            "jaeles", "whatweb", "zmeu", "morfeus", "netsparker", "invicti", "qualys", "skipfish", "commix", "fimap", "appscan", "webinspect", "burp", "zaproxy", "owasp", "jorgee", "l9explore", "leakix",
            "wfuzz", "paros", "pmafind", "sqlninja", "grabber", "vega/", "brutus", "cgichk", "dirb", "sf/", "absinthe", "bsqlbf", "whisker", "webshag", "n-stealth", "mysqloit", "internetmeasurement",
            "security scan", "vulnerability", "core-project", "dav.pm", "gootkit", "xerka", "metis", "rapid7", "detectify", "cmsscan", "joomscan", "droopescan", "dirsearch", "httpx", "katana", "naabu", "interactsh",
            "log4shell", "projectdiscovery", "crawlergo", "xray", "goby", "yaanb", "fuzz", "pangolin", "prog.customcrawler", "revolt", "s.t.a.l.k.e.r", "springenwerk", "sysscan", "toata", "uil2pn", "voideye", "webbandit",
            "webtrends security", "xmlrpc exploit", "exploit", "blackwidow", "botnet", "floodgate", "get-minimal", "grendel", "indy library", "inspath", "jbrofuzz", "kmccrew", "mozilla/4.0 (hydra)", "muieblackcat", "nsauditor", "nv32ts", "pblind", "ratproxy", "scanner",
        ],
        r"(?:\bnessus|\bnikto\b|\bsqlmap\b|\bacunetix|\bnmap\b|\bmasscan\b|\bwpscan|openvas|\bw3af\b|dirbuster|gobuster|\bffuf\b|\bfuzz faster|feroxbuster|\bnuclei\b|\bzgrab|\bhydra\b|\bhavij|\barachni|\bjaeles|\bwhatweb|\bzmeu\b|morfeus|netsparker|\binvicti|\bqualys|skipfish|\bcommix\b|\bfimap\b|\bappscan|webinspect|\bburp(?:suite| suite|collaborator)?\b|zaproxy|\bowasp[ -]?zap|\bjorgee|l9explore|leakix|\bwfuzz|\bparos/|pmafind|sqlninja|\bgrabber\b|\bvega/|\bbrutus\b|cgichk|\bdirb\b|absinthe|bsqlbf|\bwhisker\b|webshag|n-stealth|mysqloit|vulnerability scan|security scan|\bcore-project|\bdav\.pm|gootkit|\bxerka|rapid7|detectify|cmsscan|joomscan|droopescan|dirsearch|\bnaabu\b|interactsh|log4shell|projectdiscovery|crawlergo|\bgoby\b|\bpangolin\b|customcrawler|\bs\.t\.a\.l\.k\.e\.r|springenwerk|\bsysscan|\btoata dragostea|\bvoideye|webbandit|webtrends security|\bexploit|blackwidow|muieblackcat|nsauditor|\bpblind|ratproxy|jbrofuzz|grendel-scan|inspath|kmccrew|floodgate|\bwebvulnscan|\bscanner\b)",
        [], [];
}
