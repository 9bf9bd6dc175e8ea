//! Templates of servers: expressions that compute, call or look around.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Ssti, tags &["template"], places Places::VALUES;
    COMPUTED: "ssti-computed", STRONG, "an expression of a template that computes or calls",
        literals ["{{", "${", "#{", "*{", "@("],
        r"(?:\{\{[^}\r\n]*?(?:\d\s*[*+/-]\s*'?\d|\(|\[|__|\|\s*(?:attr|map|filter|safe|join|sort|reduce)\b|'\s*[*]\s*\d|\bself\b|\bconfig\b|=\s*\d)|[$#*]\{\s*[^}\r\n]*?(?:\d\s*[*+/-]\s*'?\d|\w\s*\()|^\s*@\(\s*\d+\s*[*+]\s*\d+\s*\)|\[\[\s*\$\{)",
        ["{{7*7}}", "${7*7}", "#{7*7}", "{{config.items()}}", "${T(x).y()}"], ["{{ first_name }}", "{{ name | default: 'x' }}", "${name}"];
    STATEMENT: "ssti-statement", STRONG, "a statement of a template",
        literals ["{%", "<%", "<#", "#set", "#if", "#foreach", "[#", "#evaluate", "#include", "#parse"],
        r"(?:\{%-?\s*(?:print\s*\(|autoescape\s+(?:false|off)|block\s+\w+\s*-?%\}[^%]*\{%-?\s*endblock|do\s+\w+\.\w|include|import|from|extends|debug|macro|call|filter|load|set\s+\w+\s*=|for\s+\w+\s+in\s+[^%]*(?:\(|__)|if\s+(?:true|false|not\b|\d|'|\x22|[^%\r\n]*(?:\(|__)))|<%=?\s*(?:if|for|while|import|require|system|exec|`|%x|\d|file\.|dir\.|io\.|kernel|process\.|response\.|server\.|request\.|eval|out\.print|self|[\w.]+\s*\()|<%@\s*(?:page|include|import)|<#\s*(?:assign|if|list|include|import|macro|function)\b|\[#\s*(?:assign|if|list)\b|#set\s*\(\s*\$|#foreach\s*\(\s*\$|#(?:evaluate|include|parse)\s*\()",
        ["{% if True %}49{% endif %}", "<%= system('id') %>", "<#assign x=1>", "#set($x=1)"], ["{% if order.total > 50 %}", "<%=title%>"];
    PYTHON: "ssti-python", STRONG, "attributes by which Python is looked through",
        literals ["__"], r"(?:__(?:mro|subclasses|globals|builtins|bases|import|getattribute|reduce|code|loader|class|base)__|(?:[.\[|(]\s*['\x22]?|^)__(?:init|dict|getitem|self|name|doc|module|call)__\s*['\x22]?\s*(?:[.\]|)}]|$))", ["''.__class__.__mro__", "x['__init__']", "().__init__.x"], ["__init", "snake__case__", "File \"/a/__init__.py\", line 3, in __init__", "super().__init__(x)"];
    OBJECT: "ssti-object", STRONG, "an object of a template engine that leads outside",
        literals ["freemarker", "?new", "_self", "lipsum", "cycler", "joiner", "$class", "smarty", "getattr", "registerundefined", "$smarty", "range.constructor", "?api", "template_engine", "ognl"],
        r"(?:freemarker\.template|\?new\s*\(\s*\)|\b_self\.env\b|\blipsum\.|\bcycler\.|\bjoiner\.|\$class\.(?:inspect|type)|\{\$?smarty\.|registerundefinedfiltercallback|\brange\.constructor|\?api\b|\|\s*attr\s*\(|\bognl\.)",
        ["'freemarker.template.utility.Execute'?new()", "_self.env.setCache"], ["what is new?new"];
    ARITHMETIC: "ssti-arithmetic", STRONG, "a product in the brackets of any template engine",
        literals ["{2*", "{3*", "{5*", "{6*", "{7*", "{8*", "{9*", "{7 *", "{ 7", "{{", "{=", "{%", "{!"],
        r"[@~$!#%*]{0,2}\{[{%=!\s-]{0,6}\d+\s*[*]\s*['\x22]?\d+['\x22]?[!%\s-]{0,6}\}",
        ["{7*7}", "@{7*7}", "~{7*7}", "{%7*7%}", "{!! 7*7 !!}", "%{3*3}"], ["{7}", "{ 7 * x }", "{1,7}*"];
    RAZOR: "ssti-razor", STRONG, "classes of .NET in a template, or code in one of Blade",
        literals ["@system.", "@{", "@environment.", "@(system", "@php", "@html.raw"],
        r"@(?:\(|\{)?\s*(?:system\.(?:io|diagnostics|reflection|environment|text|net|xml|web)\b|environment\.\w|html\.raw\s*\()|@php\s[^@]*@endphp",
        ["@System.Diagnostics.Process.Start(\"x\")", "@{System.IO.File.ReadAllText(\"x\")}", "@php system('id') @endphp"],
        ["mail to ann@system.example", "@{name}", "ask @php"];
    SMARTY: "ssti-smarty", STRONG, "a tag of Smarty that computes, reads or runs",
        literals ["{$", "{math", "{fetch", "{include", "{eval", "smarty_internal", "self::", "{if ", "{system", "{exec", "{passthru"],
        r"(?:\{\$?\w+\|(?:system|passthru|exec|shell_exec|popen|eval|assert|phpinfo|unserialize)\b|\{(?:math|fetch|include|include_php|eval)\s+\w+\s*=\s*\S|\bsmarty_internal_\w|\bself::\w+\s*\(|\{if\s+(?:phpinfo|system|exec|passthru|readfile|file_get_contents)\s*\()",
        ["{$x|system}", "{math equation=\"7*7\"}", "{fetch file=\"/x\"}", "{if phpinfo()}{/if}"], ["{$name}", "{math}", "find your self:: here"];
    OBJECTS: "ssti-objects", STRONG, "the objects of the engine itself in a template",
        literals ["{{"],
        r"\{\{(?:#with\s+(?:['\x22(]|\w+\s+as\s*\|)|\s*(?:(?:request|settings|joiner|cycler|lipsum|namespace|self|_self|config|debug|constructor|globalthis)\s*\}\}|lookup\s+\S+\s+['\x22]constructor|settings\.(?-i:[A-Z])|app\.(?:request|session|user)\b|request\.(?:application|environ|args|server|cookies)\b|(?:printf|println|call|html|js|urlquery)\s+['\x22.]|define\s+['\x22]|template\s+['\x22]|\.(?:system|exec|readfile|cmd|file)\b|\.\s*\}\}))",
        ["{{#with \"s\" as |string|}}", "{{ request }}", "{{settings.SECRET_KEY}}", "{{ .System \"ls\" }}", "{{.}}", "{{printf \"%s\" 1}}"],
        ["{{#with author}}", "{{ requested }}", "{{.Name}}", "{{settings.name}}"];
}
