//! What extensions mean to those who open a file.

/// Extensions that a web server may run, wherever they stand in the name (Apache's `AddHandler`
/// asks for no more), and programs of operating systems. In lower case.
const RUN: &[&str] = &[
    "appref-ms",
    "asa",
    "asax",
    "ascx",
    "ashx",
    "asmx",
    "asp",
    "aspx",
    "axd",
    "bash",
    "bat",
    "cer",
    "cfc",
    "cfm",
    "cfml",
    "cgi",
    "chm",
    "cmd",
    "cpl",
    "cshtml",
    "csh",
    "dll",
    "exe",
    "fcgi",
    "gadget",
    "hta",
    "htaccess",
    "htpasswd",
    "jar",
    "jhtml",
    "jse",
    "jsf",
    "jsp",
    "jspa",
    "jspf",
    "jspx",
    "jsw",
    "jsv",
    "ksh",
    "lnk",
    "msc",
    "msi",
    "msp",
    "mst",
    "pgif",
    "phar",
    "php",
    "phpt",
    "phps",
    "pht",
    "phtm",
    "phtml",
    "pif",
    "pl",
    "pm",
    "ps1",
    "psd1",
    "psm1",
    "py",
    "pyc",
    "rb",
    "reg",
    "rhtml",
    "scf",
    "scr",
    "sct",
    "sh",
    "shtm",
    "shtml",
    "stm",
    "vb",
    "vbe",
    "vbhtml",
    "vbs",
    "war",
    "wsc",
    "wsf",
    "wsh",
    "xap",
    "zsh",
];

/// Extensions that are run, or whose scripts are run, when the file is opened. Before another
/// one they are harmless, and part of ordinary names: `Node.js.pdf`, `to.do.txt`.
const OPENED: &[&str] = &[
    "action",
    "app",
    "application",
    "appx",
    "cjs",
    "com",
    "command",
    "desktop",
    "do",
    "elf",
    "htm",
    "html",
    "htt",
    "inc",
    "inf",
    "iqy",
    "js",
    "library-ms",
    "mht",
    "mhtml",
    "mjs",
    "msix",
    "ps1xml",
    "rdf",
    "settingcontent-ms",
    "so",
    "svg",
    "svgz",
    "swf",
    "url",
    "wasm",
    "wll",
    "xht",
    "xhtml",
    "xll",
    "xml",
    "xsl",
    "xslt",
];

/// Whether servers or systems run files of this extension.
pub(super) fn is_run(extension: &str) -> bool {
    let lower = extension.trim().to_ascii_lowercase();
    // `php3`, `php7`, and whatever number comes next.
    let unnumbered = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    RUN.contains(&&*lower) || matches!(unnumbered, "php" | "pht" | "phtml")
}

/// Whether servers, systems or browsers run files of this extension.
pub(super) fn is_active(extension: &str) -> bool {
    is_run(extension) || OPENED.contains(&&*extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for (extension, run, active) in [
            ("php", true, true),
            ("pHp5", true, true),
            ("php12", true, true),
            ("PHTML", true, true),
            ("exe", true, true),
            ("html", false, true),
            ("SVG", false, true),
            ("js", false, true),
            ("jpg", false, false),
            ("com", false, true),
            ("Desktop", false, true),
            ("command", false, true),
            ("application", false, true),
            ("xll", false, true),
            ("wll", false, true),
            ("msix", false, true),
            ("appx", false, true),
            ("ps1xml", false, true),
            ("iqy", false, true),
            ("settingcontent-ms", false, true),
            ("library-ms", false, true),
            ("docx", false, false),
            ("mp4", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_run(extension), run, "{extension}");
            assert_eq!(is_active(extension), active, "{extension}");
        }
    }
}
