//! PHP: tags, superglobals, wrappers, functions, serialized objects.

use crate::waf::detect::macros::patterns;
use crate::waf::view::{Place, Places};

patterns! {
    class Php, tags &["php"], places Places::VALUES;
    TAG: "php-tag", STRONG, "an opening tag of PHP",
        literals ["<?", "[php]", "{php}", "[/php]", "{/php}"], r"(?:<\?(?:php\b|=|\s|xml\s*:|xml\s+[^a-z\s]|$)|[\[{]/?php[\]}])",
        ["<?php phpinfo();", "<?= 1", "{php}x{/php}"], ["<?xml version='1.0'?>", "<?test"];
    GLOBAL: "php-superglobal", STRONG, "a variable that PHP gives to every script",
        literals ["$_", "$globals", "$http_", "$argv", "$argc"], r"(?-i:\$(?:GLOBALS|_(?:COOKIE|ENV|FILES|GET|POST|REQUEST|SERVER|SESSION)|HTTP_[A-Z_]+(?:_VARS|_DATA)|argv|argc)\b)",
        ["$_GET['x']", "$GLOBALS"], ["$_get", "$_S ERVER"];
    DIRECTIVE: "php-directive", STRONG, "a directive of PHP is set",
        literals ["="],
        r"(?:\b(?:allow_url_(?:fopen|include)|auto_(?:append|prepend)_file|disable_(?:functions|classes)|extension_dir|memory_limit|open_basedir|safe_mode\w*|display_errors|include_path|upload_tmp_dir|session\.(?:save_path|auto_start|use_trans_sid|upload_progress\.\w+)|cgi\.force_redirect|zend_extension|sendmail_path|error_log|log_errors|max_execution_time|post_max_size|register_globals|suhosin\.\w+|opcache\.\w+)\s*=|^\s*extension\s*=|-d\s+(?:allow_url_include|auto_prepend_file))",
        ["allow_url_include=on", "memory_limit = 512M"], ["file extension = jpg"];
    WRAPPER: "php-wrapper", STRONG, "a wrapper of PHP",
        literals ["://"], r"\b(?:php|phar|expect|glob|zlib|zip|rar|ogg|bzip2|compress\.(?:zlib|bzip2)|ssh2(?:\.(?:shell|exec|tunnel|sftp|scp))?|data)://", ["php://filter/x", "ssh2.shell://u@h/x"], ["https://php.net"];
    DATA: "php-data-wrapper", STRONG, "a document within a URL",
        literals ["data:"], r"^\s*data:(?:text|application)/[\w.+-]+", ["data:text/plain,x"], ["data: text", "data:image/png;base64,x"];
    CALL: "php-function", STRONG, "a function of PHP is called",
        literals ["("],
        r"(?:base64_(?:de|en)code|bzdecompress|gz(?:inflate|uncompress|decode|open|file|read|passthru|encode|deflate|compress)|file_(?:get|put)_contents|(?:f|pf)sockopen|shell_exec|passthru|proc_(?:open|close|nice|terminate|get_status)|pcntl_\w+|call_user_func(?:_array)?|create_function|func_get_args?|get_(?:defined_\w+|current_user|cfg_var|loaded_extensions|object_vars)|move_uploaded_file|php(?:info|_uname|_sapi_name|version|credits)|parse_ini_file|highlight_(?:file|string)|show_source|readgzfile|posix_\w+|preg_(?:replace|match|quote|grep|split)\w*|array_(?:diff|map|filter|walk|merge|push|pop|shift|slice|splice|key\w*|values|combine|reverse|search|sum|rand|reduce|fill|flip|intersect|multisort|pad|product|unique|unshift|udiff|uintersect|chunk|column|count_values)\w*|str_(?:rot13|replace|repeat|split|pad|word_count|shuffle|getcsv|ireplace)|sodium_\w+|zend_\w+|openssl_\w+|stream_\w+|socket_\w+|mb_\w+|ctype_\w+|iconv_\w+|ob_(?:start|get|end|clean|flush)\w*|imap_\w+|ldap_\w+|mysqli?_\w+|odbc_\w+|simplexml_\w+|ftp_\w+|readline_\w+|session_(?:start|id|name|destroy|regenerate_id|save_path)|ini_(?:get|set|restore)\w*|libxml_\w+|xml_parse\w*|zlib_\w+|hash_hmac\w*|is_(?:callable|executable|readable|writable|uploaded_file|dir|file|link)|file(?:group|owner|perms|inode|atime|mtime|ctime)|realpath_cache_\w+|register_(?:shutdown|tick)_function|set_(?:error|exception)_handler|ignore_user_abort|spl_autoload\w*|var_(?:dump|export)|unserialize|convert_uu(?:de|en)code|curl_(?:exec|init|setopt)\w*|apache_\w+|dl|opendir|readdir|scandir|rewinddir|tmpfile|tempnam|symlink|mkfifo|fputs|fgets|fputcsv|fgetcsv|fpassthru|readfile|readlink|popen|get_headers|getenv|putenv|getcwd|gethostby\w+|getmyuid|php_strip_whitespace|import_request_variables|extract|runkit_\w+|assert_options|ucwords|lcfirst|nl2br|htmlspecialchars_decode|money_format|escapeshell(?:arg|cmd)|bin2hex|crc32|strrev|substr_\w+|token_get_all|usort|uasort|uksort|unpack|vsprintf|wordwrap|xmlrpc_\w+|set_include_path|sqlite_\w+|stripc?slashes|addc?slashes|sha1_file|md5_file|simplexml_load_\w+|print_r|parse_str|pg_(?:execute|prepare|connect|query)|rawurl(?:de|en)code|url(?:de|en)code|read_exif_data|image(?:createfrom)?(?:jpeg|png|xbm|xpm|wbmp|gif|gd2?)|iterator_apply|iptcembed|get_meta_tags|getmy(?:gid|pid|inode)|getlastmod|getimagesize|htmlspecialchars|html_entity_decode|htmlentities|hash_(?:file|update_file|algos)|header_register_callback|hex2bin|file_exists|finfo_open|function_exists|method_exists|fwrite|fopen|mysql_query|error_reporting|exif_\w+|bson_\w+|json_(?:de|en)code|debug_backtrace|bzopen|phpcredits|get_class(?:_methods|_vars)?|property_exists|class_exists|is_subclass_of|forward_static_call\w*|array_\w+_\w+|expect_popen|ssh2_\w+|libvirt_\w+|dba_\w+|gettext|ngettext|dcgettext|gnupg_\w+|geoip_\w+|eio_\w+|event_\w+|ibase_\w+|mcrypt_\w+|openal_\w+|rrd_\w+|shmop_\w+|sem_\w+|shm_\w+|svn_\w+|tidy_\w+|uopz_\w+|wincache_\w+|xdiff_\w+|yaml_\w+|yaz_\w+)(?:\s|/\*[^*]{0,80}\*/|(?:#|//)[^\r\n]{0,80}[\r\n])*\(",
        ["base64_decode()", "file_get_contents  ('x')", "gzuncompress/*c*/()"], ["system something()", "cheval(x)", "zlib_get_coding_type"];
    SNAKE_CALL: "php-named-call", STRONG, "a call of a function with a technical name is the whole value",
        literals ["_"], r"^\s*@?[a-z][a-z0-9]*(?:_[a-z0-9]+)+\s?\([^\r\n]{0,200}\)?\s*;?\s*$", ["zend_test_x(", "is_numeric_ (1)"], ["a_b", "see get_x (below)"];
    CODE_CALL: "php-code-call", STRONG, "a function that runs code or a program is called",
        literals ["exec", "eval", "system", "assert", "pack(", "phpinfo", "die(", "include", "require"],
        r"(?:(?:^|[^\w.$>\s-]|[;{}=?]\s)@?(?:exec|eval|system|assert|die|include_once|require_once)\(\s*[^)\s]|^\s*@?(?:exec|eval|system|assert)\s*\(|\b(?:exec|eval|system|assert)(?:\s{2,}|\s*/\*[^*]{0,80}\*/\s*|\s*(?:#|//)[^\r\n]{0,80}[\r\n]\s*|\t)\()",
        ["exec(", "x;system('id')", "exec/*c*/()", "exec  (blah)"], ["audio system (5.1)", "the exec (new)"];
    VARIABLE_CALL: "php-variable-call", STRONG, "a function is called by a variable",
        literals ["$"],
        r"\$+(?:[a-z_][\w]{0,60}|\s*\{[^}\r\n]{1,80}\})(?:\s|\[[^\r\n()]{1,80}\]|\{[^}\r\n]{1,80}\}|->\$?\w{1,60}|/\*[^*\r\n]{0,80}\*/|(?:#|//)[^\r\n]{0,80}[\r\n]){0,8}\([^\r\n)]{0,200}\)",
        ["$f(1)", "@$_[0](x)", "$$b (2)"], ["US$50 (net)", "$5 (five)"];
    STRING_CALL: "php-string-call", STRONG, "a function is called by its name as a string",
        literals [")(", "\"(", "'(", "string", ") ("],
        r#"(?:\(\s*['"]?[a-z_]{3,}['"]?\s*\)(?:/\*[^*]{0,40}\*/)?\(\s*[^\s)]|\(\s*(?:/\*[^*]{0,40}\*/)?\s*[a-z_]{3,}\s*\)\(|(?:^|[=;(\s])['"][\w\\]{3,}['"]\([^)\s]|\(\s*string\s*\)\s*['"]|['"]\s*\.\s*['"][^'"]{0,20}['"]\s*\)?\s*\()"#,
        ["(system)('id')", "\"system\"('id')", "(string)\"system\"('x')"], ["(foo)bar or foo(bar)", "this is a \"dog\" (not a cat)", "(x+1)(x-2)"];
    INTERPOLATED: "php-interpolated", STRONG, "a variable by a variable name, or an expression as the whole value",
        literals ["$"], r"(?:\$[ \t]+\{\s*['\x22$]|^\s*\$\{\s*[\w.$'\x22]{1,60}\s*\}\s*$)", ["$ {'_VAR'.'X'}", "${a}"], ["$ { }", "${}"];
    SERIALIZED: "php-serialized", STRONG, "a serialized object of PHP",
        literals [":{", ":\""], r#"(?:\b[oc]:\+?\d+:"[\w\\]+":\d+:\{|(?:^|[^a-z0-9])a:\d+:\{[isadbo]:|\b[oc]:\d+:"[^"]{1,100}":\d+:)"#, ["O:8:\"stdClass\":1:{s:1:\"a\";i:2;}"], ["a:1, b:2"];
    UPLOAD: "php-session-file", STRONG, "a file named like a session of PHP",
        literals ["sess_"], r"^(?:/tmp/|\.*/)*sess_[a-z0-9,-]{16,256}$", ["sess_d8ew88tqmabdcokhumchy8htqm"], ["sess_short"];
}

/// Kept apart: these hold for names of files alone.
pub(super) mod upload {
    use super::{Place, Places};
    use crate::waf::detect::macros::patterns;

    patterns! {
        class Php, tags &["upload"], places Places::of(&[Place::FileName, Place::Header]);
        SCRIPT_FILE: "php-upload", STRONG, "the name of a file that a server runs",
            literals [".", ". "], r"^[^\r\n;=]{0,200}[^\s.;=/]\.\s{0,4}(?:ph(?:p\d*|tml?|ar|ps|t|pt)|jspx?|jsw|jsv|jspf|aspx?|ashx|asmx|asa|cer|cfm|cgi|pl)[\s.]*$", [], [];
    }
}
