//! The words of SQL, and what each is to the grammar.

use crate::waf::detect::text::{Dictionary, Lower};
use std::sync::LazyLock;

/// What a word of SQL does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Union,
    Select,
    From,
    Where,
    /// `all`, `distinct` and others that stand after `select` or `union`.
    Modifier,
    Top,
    Into,
    /// `and`, `or`, `xor`.
    Logic,
    Not,
    /// Compares, and is an English word too: `like`, `in`, `is`, `between`.
    Like,
    /// Compares, and is a word of nothing else: `rlike`, `regexp`, `ilike`.
    Match,
    /// `div`, `mod`.
    Arithmetic,
    /// A prefix operator: `binary`, `interval`, `prior`.
    Prefix,
    /// `null`, `true`, `false`, `current_user` and others that are values.
    Literal,
    /// After a value, and a test by themselves: `isnull`, `notnull`.
    Postfix,
    Having,
    Group,
    Order,
    By,
    Limit,
    Offset,
    Case,
    When,
    Then,
    Else,
    EndCase,
    Exists,
    Any,
    As,
    Collate,
    Values,
    Set,
    Insert,
    Replace,
    Update,
    Delete,
    /// `drop`, `alter`, `create`, `truncate`, `rename`: what changes the schema.
    Define,
    /// What they change: `table`, `database`, `user`.
    Object,
    Execute,
    Declare,
    Waitfor,
    Delay,
    Shutdown,
    Call,
    /// Other words that begin a statement: `grant`, `backup`, `handler`, `pragma`.
    Statement,
    Join,
    Procedure,
    Analyse,
    /// `outfile`, `dumpfile`.
    File,
    For,
    Type,
    Escape,
    /// Names that only catalogs and servers have: `information_schema`, `xp_cmdshell`.
    Catalog,
    /// A function that attackers call and nobody else names: `sleep`, `extractvalue`.
    Attack,
    /// A function that is no English word: `concat_ws`, `ifnull`.
    Function,
    /// A function whose name is also a word: `left`, `user`, `count`.
    Common,
}

impl Role {
    /// Whether a dot may stand beside the word: only beside names.
    pub(super) const fn may_be_dotted(self) -> bool {
        matches!(
            self,
            Self::Catalog
                | Self::Attack
                | Self::Function
                | Self::Common
                | Self::Object
                | Self::Literal
        )
    }
}

/// The role of a word, in whatever case.
pub(super) fn role(word: &[u8]) -> Option<Role> {
    ROLES.get(word)
}

/// All lists below in one; what is in several has the role of the first.
static ROLES: LazyLock<Dictionary<Role>> = LazyLock::new(|| {
    let of = |list: &'static [&str], role| list.iter().map(move |word| (*word, role));
    let grammar = GRAMMAR.iter().copied();
    let all = grammar
        .chain(of(ATTACKS, Role::Attack))
        .chain(of(FUNCTIONS, Role::Function))
        .chain(of(COMMON, Role::Common))
        .chain(of(CATALOGS, Role::Catalog));
    Dictionary::new(all)
});

/// Whether a procedure of this name belongs to a server: `xp_...`, `sp_...`.
pub(super) fn is_server_procedure(word: &[u8]) -> bool {
    Lower::<64>::of(word).is_some_and(|lower| {
        let name = lower.as_str();
        name.len() > 5 && ["xp_", "sp_"].iter().any(|prefix| name.starts_with(prefix))
    })
}

// Each list is in ASCII order; a test holds them to it.

static GRAMMAR: &[(&str, Role)] = &[
    ("all", Role::Modifier),
    ("alter", Role::Define),
    ("analyse", Role::Analyse),
    ("and", Role::Logic),
    ("any", Role::Any),
    ("as", Role::As),
    ("attach", Role::Statement),
    ("backup", Role::Statement),
    ("begin", Role::Statement),
    ("between", Role::Like),
    ("bigint", Role::Type),
    ("binary", Role::Prefix),
    ("bool", Role::Type),
    ("boolean", Role::Type),
    ("by", Role::By),
    ("call", Role::Call),
    ("case", Role::Case),
    ("collate", Role::Collate),
    ("column", Role::Object),
    ("copy", Role::Statement),
    ("create", Role::Define),
    ("cross", Role::Join),
    ("current_date", Role::Literal),
    ("current_time", Role::Literal),
    ("current_timestamp", Role::Literal),
    ("current_user", Role::Literal),
    ("database", Role::Object),
    ("declare", Role::Declare),
    ("delay", Role::Delay),
    ("delete", Role::Delete),
    ("desc", Role::By),
    ("distinct", Role::Modifier),
    ("distinctrow", Role::Modifier),
    ("div", Role::Arithmetic),
    ("do", Role::Statement),
    ("drop", Role::Define),
    ("dumpfile", Role::File),
    ("else", Role::Else),
    ("end", Role::EndCase),
    ("escape", Role::Escape),
    ("except", Role::Union),
    ("exec", Role::Execute),
    ("execute", Role::Execute),
    ("exists", Role::Exists),
    ("false", Role::Literal),
    ("float", Role::Type),
    ("for", Role::For),
    ("from", Role::From),
    ("function", Role::Object),
    ("glob", Role::Match),
    ("goto", Role::Statement),
    ("grant", Role::Statement),
    ("group", Role::Group),
    ("handler", Role::Statement),
    ("having", Role::Having),
    ("ilike", Role::Match),
    ("in", Role::Like),
    ("index", Role::Object),
    ("inner", Role::Join),
    ("insert", Role::Insert),
    ("int", Role::Type),
    ("integer", Role::Type),
    ("intersect", Role::Union),
    ("interval", Role::Prefix),
    ("into", Role::Into),
    ("is", Role::Like),
    ("isnull", Role::Postfix),
    ("join", Role::Join),
    ("json", Role::Type),
    ("jsonb", Role::Type),
    ("like", Role::Like),
    ("limit", Role::Limit),
    ("load", Role::Statement),
    ("login", Role::Object),
    ("match", Role::Like),
    ("merge", Role::Statement),
    ("minus", Role::Union),
    ("mod", Role::Arithmetic),
    ("natural", Role::Join),
    ("not", Role::Not),
    ("notnull", Role::Postfix),
    ("null", Role::Literal),
    ("numeric", Role::Type),
    ("nvarchar", Role::Type),
    ("offset", Role::Offset),
    ("on", Role::Join),
    ("or", Role::Logic),
    ("order", Role::Order),
    ("outfile", Role::File),
    ("pragma", Role::Statement),
    ("prepare", Role::Statement),
    ("prior", Role::Prefix),
    ("procedure", Role::Procedure),
    ("regexp", Role::Match),
    ("rename", Role::Define),
    ("replace", Role::Replace),
    ("revoke", Role::Statement),
    ("rlike", Role::Match),
    ("role", Role::Object),
    ("rownum", Role::Literal),
    ("schema", Role::Object),
    ("select", Role::Select),
    ("sequence", Role::Object),
    ("session_user", Role::Literal),
    ("set", Role::Set),
    ("shutdown", Role::Shutdown),
    ("similar", Role::Like),
    ("similar", Role::Like),
    ("smallint", Role::Type),
    ("some", Role::Any),
    ("sounds", Role::Like),
    ("straight_join", Role::Modifier),
    ("sysdate", Role::Function),
    ("system_user", Role::Literal),
    ("table", Role::Object),
    ("text", Role::Type),
    ("then", Role::Then),
    ("tinyint", Role::Type),
    ("top", Role::Top),
    ("trigger", Role::Object),
    ("true", Role::Literal),
    ("truncate", Role::Define),
    ("union", Role::Union),
    ("unsigned", Role::Type),
    ("update", Role::Update),
    ("user", Role::Object),
    ("values", Role::Values),
    ("varchar", Role::Type),
    ("varchar2", Role::Type),
    ("view", Role::Object),
    ("waitfor", Role::Waitfor),
    ("when", Role::When),
    ("where", Role::Where),
    ("while", Role::Statement),
    ("xor", Role::Logic),
];

#[rustfmt::skip]
static ATTACKS: &[&str] = &[
    "benchmark", "bfilename", "charindex", "current_database", "current_setting", "database_to_xml",
    "db_name", "dblink", "dblink_connect", "dblink_send_query", "exp_cmdshell", "extractvalue",
    "extractvalueclob", "fileread", "generate_series", "group_concat", "gtid_subset",
    "gtid_subtract", "host_name", "httpuritype", "inet6_aton", "inet_aton", "is_srvrolemember",
    "json_keys", "lo_export", "lo_import", "load_extension", "load_file", "load_resource",
    "master_pos_wait", "name_const", "openrowset", "pg_ls_dir", "pg_read_file", "pg_sleep",
    "pg_sleep_for", "procedure_analyse", "query_to_xml", "randomblob", "regexp_substring",
    "schema_name", "servername", "sleep", "sqlite_compileoption_get", "sqlite_compileoption_used",
    "sqlite_version", "st_latfromgeohash", "st_longfromgeohash", "st_pointfromgeohash",
    "suser_name", "suser_sname", "sys_context", "sys_eval", "sys_exec", "sys_get", "updatexml",
    "user_name", "xmltype", "zeroblob",
];

#[rustfmt::skip]
static FUNCTIONS: &[&str] = &[
    "acos", "aes_decrypt", "aes_encrypt", "array_agg", "array_to_json", "array_to_string", "asin",
    "atan", "atan2", "atn2", "avg", "bin", "bin_to_num", "bit_and", "bit_count", "bit_length",
    "bit_or", "bit_xor", "bitand", "bitor", "bitxor", "btrim", "cast", "ceiling", "char_length",
    "character_length", "chartorowid", "checksum", "chr", "coalesce", "coercibility", "concat",
    "concat_ws", "connection_id", "conv", "convert_tz", "cos", "cot", "crc32", "cume_dist",
    "curdate", "curtime", "date_add", "date_format", "date_sub", "dateadd", "datediff", "datepart",
    "dayname", "dayofmonth", "dayofweek", "dayofyear", "dbid", "decode", "degrees",
    "des_decrypt", "des_encrypt", "elt", "encode", "exp", "export_set", "find_in_set", "found_rows",
    "from_base64", "from_days", "from_unixtime", "gen_random_uuid", "get_format", "get_lock",
    "getdate", "getutcdate", "grouping_id", "hex", "hextoraw", "host_id", "ifnull", "iif",
    "inet6_ntoa", "inet_ntoa", "initcap", "instr", "is_free_lock", "is_ipv4", "is_ipv4_compat",
    "is_ipv4_mapped", "is_ipv6", "is_member", "is_used_lock", "isdate", "isnumeric", "json_array",
    "json_array_length", "json_contains", "json_contains_path", "json_depth", "json_each",
    "json_extract", "json_group_array", "json_length", "json_merge", "json_object", "json_overlaps",
    "json_quote", "json_remove", "json_search", "json_set", "json_tree", "json_type",
    "json_unquote", "json_valid", "json_value", "jsonb_extract_path", "jsonb_path_query",
    "julianday", "last_day", "last_insert_id", "last_insert_rowid", "lcase", "likelihood", "likely",
    "ln", "lnnvl", "localtime", "localtimestamp", "log10", "log2", "lower", "lpad", "ltrim",
    "make_set", "makedate", "maketime", "md5", "microsecond", "mid", "nchar", "newid", "nextval",
    "nls_charset_id", "nullif", "nvl", "nvl2", "object_id", "octet_length", "old_password",
    "ora_hash", "ord", "overlay", "parsename", "patindex", "period_add", "period_diff",
    "pg_backend_pid", "pi", "pow", "quote_ident", "quote_literal", "quotename", "radians", "rand",
    "rawtohex", "rawtonhex", "regexp_count", "regexp_instr", "regexp_like", "regexp_matches",
    "regexp_replace", "regexp_substr", "release_lock", "replicate", "round", "row_count",
    "row_number", "row_to_json", "rowid", "rpad", "rtrim", "sec_to_time", "sha", "sha1", "sha2",
    "sin", "soundex", "sqlite_source_id", "sqrt", "starts_with", "stddev", "stddev_pop",
    "stddev_samp", "str_to_date", "strcmp", "strftime", "string_agg", "string_to_array", "stuff",
    "subdate", "substr", "substring", "substring_index", "subtime", "sum", "tan", "time_format",
    "time_to_sec", "timediff", "timestampadd", "to_ascii", "to_base", "to_base64", "to_char",
    "to_date", "to_days", "to_hex", "to_json", "to_jsonb", "to_nchar", "to_number", "to_seconds",
    "to_timestamp", "total_changes", "translate", "trim", "trunc", "typeof", "ucase", "uncompress",
    "uncompressed_length", "unhex", "unicode", "unistr", "unix_timestamp", "unlikely", "upper",
    "userenv", "utc_date", "utc_time", "utc_timestamp", "uuid", "uuid_short", "var_pop", "var_samp",
    "variance", "weekday", "weekofyear", "xmlagg", "xmlelement", "xmlforest", "yearweek",
];

#[rustfmt::skip]
static COMMON: &[&str] = &[
    "abs", "adddate", "addtime", "ascii", "ceil", "changes", "char", "charset", "collation",
    "compress", "convert", "count", "date", "datetime", "day", "default", "encrypt", "field",
    "floor", "format", "greatest", "hour", "if", "insert", "is_null", "last", "least", "left",
    "len", "length", "locate", "log", "max", "min", "minute", "month", "monthname", "now",
    "password", "position", "power", "printf", "quarter", "quote", "repeat", "reverse", "right",
    "row", "second", "sign", "space", "std", "str", "time", "timestamp", "uid", "version",
    "week", "year",
];

#[rustfmt::skip]
static CATALOGS: &[&str] = &[
    "all_col_comments", "all_objects", "all_tab_columns", "all_tab_tables", "all_tables",
    "all_users", "ctxsys", "databasepropertyex", "dba_tables", "dba_users", "dbms_assert",
    "dbms_java", "dbms_ldap", "dbms_lock", "dbms_pipe", "dbms_random", "dbms_redact",
    "dbms_scheduler", "dbms_sql", "dbms_utility", "dbms_xmlgen", "dbms_xmlquery", "dbms_xmlschema",
    "dbms_xslprocessor", "fn_trace_gettable", "fn_varbintohexstr", "fn_xe_file_target_read_file",
    "gv$instance", "information_schema", "innodb_index_stats", "innodb_table_stats", "lo_create",
    "lo_get", "msdasql", "msdb", "msysaccessobjects", "msysaces", "msysobjects", "msysqueries",
    "msysrelationships", "mysql_old_password", "opendatasource", "openquery", "openrowset",
    "pg_attribute", "pg_authid", "pg_catalog", "pg_class", "pg_database", "pg_largeobject",
    "pg_namespace", "pg_proc", "pg_read_binary_file", "pg_roles", "pg_settings", "pg_shadow",
    "pg_stat_activity", "pg_stat_file", "pg_stat_statements", "pg_stat_user_tables", "pg_tables",
    "pg_user", "rdb$database", "rdb$relation_fields", "rdb$relations", "session_privs",
    "sp_addlogin", "sp_addsrvrolemember", "sp_configure", "sp_executesql", "sp_help", "sp_helptext",
    "sp_makewebtask", "sp_oacreate", "sp_oagetproperty", "sp_oamethod", "sp_password", "sp_who",
    "sql_variant_property", "sqlite_master", "sqlite_schema", "sqlite_sequence",
    "sqlite_temp_master", "sqloledb", "sys_schema", "sysaux", "syscat", "syscolumns",
    "sysdatabases", "sysdummy1", "sysibm", "syslogins", "sysmaster", "sysobjects", "sysprocesses",
    "syssegments", "systables", "sysusers", "sysversions", "table_schema", "tempdb", "user_objects",
    "user_tab_columns", "user_tables", "user_users", "utl_file", "utl_http", "utl_inaddr",
    "utl_smtp", "v$instance", "v$parameter", "v$session", "v$version", "xp_availablemedia",
    "xp_cmdshell", "xp_dirtree", "xp_enumdsn", "xp_fileexist", "xp_loginconfig", "xp_logininfo",
    "xp_msver", "xp_ntsec", "xp_regaddmultistring", "xp_regdeletekey", "xp_regenumvalues",
    "xp_regread", "xp_regwrite", "xp_servicecontrol", "xp_subdirs", "xp_terminate",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order() {
        for list in [ATTACKS, FUNCTIONS, COMMON, CATALOGS] {
            assert!(list.is_sorted(), "{list:?}");
        }
        assert!(GRAMMAR.is_sorted_by_key(|(word, _)| *word));
    }

    #[test]
    fn roles_are_found_in_any_case() {
        assert_eq!(role(b"SeLeCt"), Some(Role::Select));
        assert_eq!(role(b"pg_sleep"), Some(Role::Attack));
        assert_eq!(role(b"selected"), None);
        assert_eq!(role(b"xp_cmdshell"), Some(Role::Catalog));
    }
}
