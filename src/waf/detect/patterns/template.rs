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
        literals ["{%", "<%", "<#", "#set", "#if", "#foreach", "[#"],
        r"(?:\{%-?\s*(?:include|import|from|extends|debug|macro|call|filter|load|set\s+\w+\s*=|for\s+\w+\s+in\s+[^%]*(?:\(|__)|if\s+(?:true|false|not\b|\d|'|\x22|[^%\r\n]*(?:\(|__)))|<%=?\s*(?:if|for|while|import|require|system|exec|`|%x|\d|file\.|dir\.|io\.|kernel|process\.|response\.|server\.|request\.|eval|out\.print|self|[\w.]+\s*\()|<%@\s*(?:page|include|import)|<#\s*(?:assign|if|list|include|import|macro|function)\b|\[#\s*(?:assign|if|list)\b|#set\s*\(\s*\$|#foreach\s*\(\s*\$|#(?:evaluate|include|parse)\s*\()",
        ["{% if True %}49{% endif %}", "<%= system('id') %>", "<#assign x=1>", "#set($x=1)"], ["{% if order.total > 50 %}", "<%=title%>"];
    PYTHON: "ssti-python", STRONG, "attributes by which Python is looked through",
        literals ["__"], r"__(?:class|mro|subclasses|globals|builtins|init|base|bases|import|getattribute|dict|code|reduce|getitem|self|name|doc|module|loader|call)__", ["''.__class__.__mro__"], ["__init", "snake__case__"];
    OBJECT: "ssti-object", STRONG, "an object of a template engine that leads outside",
        literals ["freemarker", "?new", "_self", "lipsum", "cycler", "joiner", "$class", "smarty", "getattr", "registerundefined", "$smarty", "range.constructor", "?api", "template_engine", "ognl"],
        r"(?:freemarker\.template|\?new\s*\(\s*\)|\b_self\.env\b|\blipsum\.|\bcycler\.|\bjoiner\.|\$class\.(?:inspect|type)|\{\$?smarty\.|registerundefinedfiltercallback|\brange\.constructor|\?api\b|\|\s*attr\s*\(|\bognl\.)",
        ["'freemarker.template.utility.Execute'?new()", "_self.env.setCache"], ["what is new?new"];
}
