//! Texts that make some part of a parser take time by the square of their size. The bench times
//! them.

/// Attacks of about so many bytes, each with its name.
pub(crate) fn attacks(bytes: usize) -> Vec<(&'static str, String)> {
    let repeated = |piece: &str| piece.repeat(bytes / piece.len());
    let numbered = |format: fn(usize) -> String, count: usize| -> String {
        let mut text = String::new();
        for index in 0..count {
            text.push_str(&format(index));
            if text.len() > bytes {
                break;
            }
        }
        text
    };
    vec![
        ("nested blocks", repeated("<div>")),
        ("nested marks", repeated("<b><i>")),
        ("nested spans", repeated("<span>")),
        ("nested unknown elements", repeated("<x>")),
        ("nested lists", repeated("<ul><li>")),
        ("nested tables", repeated("<table><tr><td>")),
        ("tables in tables", repeated("<table>")),
        ("nested svg", repeated("<svg><g>")),
        ("nested math", repeated("<math><mi>")),
        ("nested templates", repeated("<template>")),
        ("nested selects", repeated("<select><option>")),
        ("nested buttons", repeated("<button><p>")),
        (
            "marks opened again",
            format!(
                "{}{}",
                numbered(|i| format!("<b a={i}>"), 250),
                repeated("<p>x</p>")
            ),
        ),
        ("marks closed in disorder", repeated("<b><i></b></i>")),
        ("links in links", repeated("<a href=x>")),
        ("links in blocks", repeated("<a><div>")),
        ("adoption", repeated("<b><p></b>")),
        (
            "adoption, deep",
            format!("{}{}", "<div>".repeat(250), repeated("<a><p><i></a>")),
        ),
        (
            "unmatched ends",
            format!("{}{}", "<span>".repeat(250), repeated("</x>")),
        ),
        (
            "blocks at a depth",
            format!("{}{}", "<div>".repeat(250), repeated("<p></p>")),
        ),
        ("foster children", format!("<table>{}", repeated("<b></b>"))),
        ("foster texts", format!("<table>{}", repeated("<tr>x"))),
        (
            "selected contents at a depth",
            format!(
                "{}{}",
                "<div>".repeat(250),
                repeated("<selectedcontent></selectedcontent>")
            ),
        ),
        (
            "attributes",
            format!("<p {}>", numbered(|i| format!("a{i} "), 200_000)),
        ),
        (
            "attributes with values",
            format!("<p {}>", numbered(|i| format!("a{i}='>'"), 200_000)),
        ),
        (
            "attributes after a spaced value",
            format!("<p a = \">\" {}>", numbered(|i| format!("a{i} "), 200_000)),
        ),
        (
            "attributes in raw text",
            format!(
                "<style></style><p {}>",
                numbered(|i| format!("a{i}/"), 200_000)
            ),
        ),
        (
            "attributes without an end",
            format!("<p {}", numbered(|i| format!("a{i} "), 200_000)),
        ),
        ("tags in attributes", repeated("<a =\"")),
        ("tags in quoted attributes", repeated("<a b='<a b=\"")),
        (
            "attributes, many tags",
            repeated(&format!("<p {}>", numbered(|i| format!("a{i} "), 120))),
        ),
        ("references", repeated("&")),
        ("named references", repeated("&amp;")),
        (
            "long references",
            repeated("&CounterClockwiseContourIntegra"),
        ),
        ("no-break spaces", repeated("\u{A0}")),
        (
            "no-break spaces in an attribute",
            format!("<p title=\"{}\">", repeated("\u{A0}")),
        ),
        (
            "references in an attribute",
            format!("<p title=\"{}\">", repeated("&amp;")),
        ),
        ("references between tags", repeated("&<b>&</b>")),
        ("comments", repeated("<!---->")),
        ("open comments", repeated("<!--")),
        ("dashes", format!("<!--{}", repeated("--!"))),
        ("declarations", repeated("<!x>")),
        ("instructions", repeated("<?x>")),
        ("character data", repeated("<![CDATA[")),
        ("angles", repeated("<")),
        ("ends of nothing", repeated("</")),
        ("empty marks", repeated("<b></b>")),
        ("line breaks", repeated("<br>")),
        ("NUL", repeated("\0")),
        ("carriage returns", repeated("\r")),
        ("bodies", repeated("<body a=b>")),
        ("framesets", repeated("<frameset>")),
        ("scripts", repeated("<script>")),
        ("escaped scripts", repeated("<script><!--<script>")),
        ("raw text", repeated("<xmp></xm")),
        ("ids", numbered(|i| format!("<p id={i}>"), 200_000)),
        ("ruby", repeated("<ruby><rt>")),
        ("forms", repeated("<form></form>")),
        ("columns", format!("<table>{}", repeated("<col>"))),
        ("isolated paragraphs", repeated("</p>")),
        ("breaks by their end", repeated("</br>")),
        ("headings", repeated("<h1>")),
        ("list items", repeated("<li>")),
        ("terms", repeated("<dd><dt>")),
        ("marks in cells", repeated("<table><tr><td><b>")),
        ("text alone", repeated("lorem ipsum ")),
    ]
}
