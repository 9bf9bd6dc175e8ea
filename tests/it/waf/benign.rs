//! Honest values of our own: names, addresses, laws, chemistry, mathematics, code and queries
//! spoken about, in many languages. None is refused, wherever it stands.

mod more;

use super::attacks::{encode, values};
use more::MORE_VALUES;
use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf, WafError};

const VALUES: &[&str] = &[
    "O'Brien",
    "D'Arc, Jeanne",
    "Sinéad O'Connor & Sons",
    "L'Hôpital's rule",
    "rock 'n' roll",
    "Ben & Jerry's",
    "12\" x 8\" frame",
    "5'10\" tall, 70 kg",
    "It's 5 o'clock; don't be late",
    "She said \"yes\" and he said \"no\"",
    "\"quoted\" or \"unquoted\"",
    "'single' and 'double'",
    "Select your seat from the plan",
    "please select all from the list below",
    "Union Station, Washington",
    "European Union membership and having a say",
    "drop the table off at 5",
    "update: the order is on its way",
    "delete my account, please",
    "insert coin to continue",
    "create table reservation for 4",
    "where can I order by phone?",
    "group by the window, having lunch",
    "between you and me",
    "1 and 2 and 3",
    "2 or 3 people",
    "either 1 or 2 = fine",
    "size 10 or 11",
    "price < 100 and > 50",
    "a = b, c = d",
    "x=1&y=2",
    "E = mc^2 and F = ma",
    "2 + 2 = 4",
    "f(x) = x^2 + 3x - 5",
    "sin(x) + cos(y) = 1",
    "a^2 + b^2 = c^2",
    "∫ f(x) dx = F(b) - F(a)",
    "p(A|B) = p(B|A) p(A) / p(B)",
    "H2SO4 + 2 NaOH -> Na2SO4 + 2 H2O",
    "C6H12O6 (glucose); m.p. 146 °C",
    "2-(4-isobutylphenyl)propanoic acid",
    "(R)-2-amino-3-phenylpropanoic acid",
    "§ 823 Abs. 1 BGB i.V.m. Art. 2 GG",
    "Art. 6(1)(f) GDPR; see recital 47",
    "cf. Smith v. Jones, 123 F.3d 456 (9th Cir. 1999)",
    "18 U.S.C. § 1030(a)(2)(C)",
    "P.O. Box 12; Apt #5",
    "Flat 3/2, 45 O'Connell St",
    "Rue de l'Église, 75'000 Paris",
    "Via dell'Orso, 12",
    "+49 (0)30 / 1234-5678",
    "(555) 123-4567 ext. 89",
    "https://www.example.com/path?a=1&b=2#top",
    "https://example.com/search?q=select+a+color",
    "http://blog.example.org/2024/05/why-i-left/",
    "see https://docs.example.com/a_b?x=1#y",
    "mailto:jane.doe@example.com",
    "jane.o'neil+news@example.co.uk",
    "C:\\Users\\jane\\Documents\\report.docx",
    "/home/jane/projects/readme.md",
    "src/components/Button.tsx",
    "v2.3.1-rc.1+build.5",
    "SELECT is a SQL keyword",
    "What does a LEFT JOIN do?",
    "I learned about UNION in my SQL course",
    "How do I escape a single quote in SQL?",
    "The WHERE clause filters rows",
    "Use GROUP BY with HAVING for aggregates",
    "DROP TABLE is dangerous, be careful",
    "Is 1=1 always true?",
    "how to use grep and sed",
    "cat videos and dog pictures",
    "find me a good restaurant",
    "I run, you walk; we meet at ten",
    "tail lights for a '67 Mustang",
    "more or less",
    "kill two birds with one stone",
    "who is the host?",
    "make your own bed",
    "less is more; more is less",
    "echo chamber effect",
    "sort by price; then by date",
    "ping pong table",
    "curl cream for hair",
    "time flies",
    "touch typing course",
    "head of department",
    "top 10 list",
    "man page for printf",
    "The script for the play needs work",
    "JavaScript: The Good Parts",
    "onion soup recipe = easy",
    "online = true",
    "an alert, lively mind",
    "confirm (or cancel) by Friday",
    "eval of the course",
    "document. Write it down",
    "the window. Open it",
    "top of the page [1]",
    "see figure [a] and table [2]",
    "**bold** and _italic_ and `code`",
    "# Heading",
    "- [ ] todo",
    "- [x] done",
    "| a | b |",
    "> quoted reply",
    "[link](https://example.com \"title\")",
    "![image](https://example.com/a.png)",
    "<b>bold</b> and <i>italic</i>",
    "<p>Hello <strong>world</strong></p>",
    "<a href=\"https://example.com/\">site</a>",
    "<ul><li>one</li><li>two</li></ul>",
    "a < b and b > c",
    "i <3 you",
    "<- back | next ->",
    "5 < 6 > 4",
    "=> see below",
    "if (a > b) then stop",
    "for (int i = 0; i < 10; i++)",
    "x = y ? 1 : 0;",
    "fn main() { println!(\"hi\"); }",
    "def add(a, b): return a + b",
    "let total = items.length;",
    "#include <stdio.h>",
    "git commit -m \"fix: typo\"",
    "npm run build",
    "docker compose up",
    "{\"name\":\"Ann\",\"age\":30}",
    "[1,2,3]",
    "{ viewer { login } }",
    "query { user(id: 5) { name } }",
    "mutation { addItem(input: {id: 1}) { ok } }",
    "status:open AND assignee:jane",
    "title:\"foo bar\" OR author:smith",
    "price:[10 TO 20]",
    "name eq 'Ann' and age gt 30",
    "startswith(name,'A')",
    "created_at>=2024-01-01",
    "-status:closed label:\"good first issue\"",
    "2024-06-10T12:34:56Z ERROR [main] c.e.App - failed (code=5)",
    "127.0.0.1 - - [10/Jun/2024:12:00:01 +0000] \"GET / HTTP/1.1\" 200 512",
    "Error: Cannot read properties of undefined (reading 'x')",
    "TypeError: foo is not a function",
    "Segmentation fault (core dumped)",
    "div#main > ul.list li:nth-child(2) a[href]",
    ".btn-primary:hover",
    "rgba(0, 0, 0, 0.5)",
    "linear-gradient(45deg, #fff, #000)",
    "^[A-Z]{2}-\\d+$",
    "^\\d{3}-\\d{4}$",
    "*/5 * * * *",
    "dd/MM/yyyy HH:mm",
    "%Y-%m-%d",
    "50% off!!! Use code SAVE20%NOW",
    "100% cotton; wash at 30°C",
    "$5.00 & up",
    "cost is $100 (net)",
    "US$ 50 (approx.)",
    "A$AP Rocky",
    "C# and F# and C++",
    "AT&T, H&M, R&B",
    "Q&A: what's next?",
    "black & white",
    "yes/no/maybe",
    "and/or",
    "N/A",
    "TBD -- ask Bob",
    "-- Best regards, Ann",
    "wait... what?!",
    "¿Dónde está la biblioteca?",
    "¡Hola! ¿Qué tal?",
    "Je n'ai pas d'idée; c'est l'été",
    "L'union fait la force, n'est-ce pas ?",
    "Qu'est-ce que c'est ?",
    "Das geht's nicht; schöne Grüße",
    "Größe: 10 cm x 5 cm",
    "Ciao, com'è andata?",
    "Не могу войти в систему; помогите!",
    "商品は予定通り届きました。",
    "배송이 빨라서 좋았어요 :)",
    "包装很好,但是颜色不对。",
    "وصل الطلب في الموعد، شكراً لكم.",
    "Zażółć gęślą jaźń",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "SGVsbG8gd29ybGQhIFRoaXMgaXMgYSB0ZXN0Lg==",
    "550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "GA1.2.1234567890.1718000000",
    "sessionid=abc; theme=dark",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "sleep(ing) bags",
    "the system (5.1) works",
    "my cat's name is \"Tom\"",
    "tom & jerry; the movie",
    "\"and\"",
    "\"like new\"",
    "'tis the season",
    "Y'all come back now",
    "ain't no thing",
    "90's & 00's hits",
    "the '90s & '80s",
    "3/4\" bolt, 1/2\" nut",
    "6' x 4' rug",
    "-10°C..+40°C",
    "a -> b -> c",
    "x => x + 1",
    "key=value; key2=value2",
    "user@example.com; other@example.com",
    "Tom;Dick;Harry",
    "red;green;blue",
    "1;2;3",
    "0;1;0;1",
    "lat=52.52,lon=13.40",
    "(12.5, -3.4)",
    "[10 TO 20]",
    "{campaign_name}",
    "{{first_name}}",
    "Hello {{ name }}, welcome!",
    "Dear ${first_name} ${last_name}",
    "%7Bname%7D",
    "A+ service",
    "5+5",
    "c++ || rust",
    "yes && no",
    "true or false",
    "not null",
    "is null a value?",
    "the null hypothesis",
    "Mr. Null",
    "admin",
    "root beer",
    "password reset help",
    "the id of the order",
];

/// More of them by where they come from, a value a line.
const KINDS: [&str; 6] = [
    include_str!("benign/code.txt"),
    include_str!("benign/machines.txt"),
    include_str!("benign/people.txt"),
    include_str!("benign/prose.txt"),
    include_str!("benign/science.txt"),
    include_str!("benign/shop.txt"),
];

/// What is code, a query or a formula and nothing else: for fields of which that is said.
const CODE: &str = include_str!("benign/hard.txt");

pub(super) fn all() -> impl Iterator<Item = &'static str> {
    VALUES.iter().chain(MORE_VALUES).copied()
}

/// What is refused of a value in a query, a form and JSON.
fn refusals(waf: &Waf, value: &str) -> Vec<String> {
    let target = format!("/search?q={}&page=2", encode(value));
    let form = format!("lang=en&q={}", encode(value));
    let json = serde_json::json!({ "q": value, "tags": ["a", "b"] }).to_string();
    let requests = [
        RawRequest::new("GET", &target),
        RawRequest::new("POST", "/search")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(&form),
        RawRequest::new("POST", "/api/posts")
            .header("content-type", "application/json")
            .body(&json),
    ];
    let reports = requests.iter().map(|request| waf.judge(request));
    let hostile = reports.filter(portcullis::waf::Report::is_hostile);
    hostile
        .map(|report| format!("{value}: {:?}", report.matches()))
        .collect()
}

#[test]
fn honest_values_are_admitted() {
    let waf = Waf::new(Ruleset::builtin());
    let refused: Vec<_> = all().flat_map(|value| refusals(&waf, value)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn honest_values_of_many_kinds_are_admitted() {
    let waf = Waf::new(Ruleset::builtin());
    let files = KINDS.iter().map(|file| values(file));
    let kinds: Vec<_> = files.flatten().collect();
    let refused: Vec<_> = kinds
        .iter()
        .flat_map(|value| refusals(&waf, value))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(kinds.len() > 800, "{}", kinds.len());
}

#[test]
fn code_is_admitted_where_a_field_holds_code() -> Result<(), WafError> {
    let waf = Waf::builder(Ruleset::builtin())
        .field(Field::named("q"), FieldKind::Code)
        .build()?;
    let refused: Vec<_> = values(CODE)
        .flat_map(|value| refusals(&waf, &value))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(())
}

/// Words of SQL in titles of goods, as shops have them by the million.
#[test]
fn words_of_sql_in_prose_are_admitted() {
    let waf = Waf::new(Ruleset::builtin());
    let words = [
        "and", "or", "not", "like", "in", "union", "set", "case", "key", "by", "into", "for",
        "with", "on", "is", "as", "table", "select", "from", "where", "order", "group", "having",
        "drop", "insert",
    ];
    let goods = [
        "silver ring",
        "12\" frame",
        "baby's hat",
        "\"rose gold\" lamp",
        "3/4 inch bolt",
        "5x7 print",
    ];
    let mut refused = Vec::new();
    for word in words {
        for (first, second) in goods.iter().zip(goods.iter().rev()) {
            let text = format!("{first} {word} {second}");
            let target = format!("/search?q={}", encode(&text));
            if waf.judge(&RawRequest::new("GET", &target)).is_hostile() {
                refused.push(text);
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
