//! Files that no client has business with.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Lfi, tags &["file"], places Places::VALUES;
    SYSTEM_FILE: "lfi-system-file", STRONG, "a file of the system",
        literals ["/etc/", "\\etc\\", "/proc/", "/root/", "/sys/class", "/var/", "/dev/", "/boot/"],
        r"(?:[/\\]etc[/\\]+(?:\.[/\\]+)*(?:passwd|shadow|g?shadow|group|sudoers|master\.passwd|security[/\\]|pam)|/proc/+(?:self|\d+|sys|net|version|cpuinfo|meminfo|mounts|cmdline|stat|modules|acpi|bus|devices|filesystems|interrupts|loadavg|partitions|sched_debug|uptime|kcore|config\.gz)\b|/root/(?:\.|anaconda)|/sys/class\b|/dev/(?:tcp|udp|shm|mem|kmem|sd[a-z]|fd/\d)|(?:^\S*|[=:;|&<>(,'\x22`]\s?|\s-\w+\s)(?:[/\\]etc[/\\]+(?:\.[/\\]+)*(?:hosts?(?:\.\w+)?\b|issue|motd|fstab|sub[ug]id|crontab|cron\.\w+|ssh[/\\]|ssl[/\\]|apache2?[/\\]|httpd[/\\]|nginx[/\\]|mysql[/\\]|php[\d.]*[/\\]|resolv\.conf|my\.cnf|network[/\\]|profile\b|bash\.?bashrc|environment|services|inetd\.conf|ld\.so|os-release|redhat-release|debian_version|hostname|init\.d|rc\.|samba|vsftpd|proftpd|postfix|exports|aliases|sysctl|ppp)|/var/(?:log|run|lib|spool|mail|www)/[\w.-]+[/.]?\w))",
        ["/etc/passwd", "/etc/./passwd", "file:///etc/hosts", "/proc/self/environ"], ["/etc is for configuration", "etc/", "I keep it in /etc/nginx/conf.d for now", "refused in /var/www/html/a.php on line 3"];
    ENCODED_FILE: "lfi-encoded-file", STRONG, "a file of the system, its slashes written in some other way",
        literals ["passwd", "etc/shadow", "boot.ini", "win.ini"],
        r"(?:etc(?:[^\s\w][^\s]{0,20}|0x[25][cf])passwd\b|etc/(?:passwd|shadow)\b|windows(?:[^\s\w][^\s]{0,20}|0x[25][cf])win\.ini\b|(?:%[0-9a-z]{2,5}|0x[25][cf]|[^\s\w.-])(?:boot|win)\.ini\b)",
        ["..%c1%8setc%c1%8spasswd", "..0x5cetc0x5cpasswd", "x%uF025boot.ini", "etc/passwd"], ["etc. and passwd", "darwin.ini", "reboot.ini"];
    WHOLE_PATH: "lfi-system-path", STRONG, "a path into the folders of the system as the whole value",
        literals ["/etc/", "/var/", "/proc/", "/boot/"],
        r"^(?:/etc/+[\w.-]+(?:/[\w.-]+){0,8}|/var/(?:adm|cpanel|spool|mail|db|backups?|log)/[\w./-]+|/boot(?:/[\w.-]+){1,4})(?:\x00.{0,16})?\s*$",
        ["/etc/xinetd.conf", "/var/adm/log/xferlog"], ["/etc", "/various/artists"];
    SERVER_FILE: "lfi-server-file", STRONG, "a file of configuration or a log of a server, with its folder",
        literals [".conf", ".cnf", "access", "error", "php.ini", "_log", ".log", "tomcat-users", "metabase.xml", "server.xml"],
        r"[/\\](?:(?:httpd|apache2?|nginx|lighttpd|vsftpd|proftpd|pure-?ftpd|my|smb|sshd?|xinetd|rsyncd|updatedb|miniserv|named|squid|haproxy|redis|mongod?)(?:-[\w]{1,12}|_config)?\.(?:conf|cnf)|php\.ini|tomcat-users\.xml|metabase\.xml|(?:conf|config)[/\\]server\.xml|(?:access|error|security_debug|ftp|mail|auth|php_errors?|mysqld?|catalina)[._-]?log(?:\.\d)?|(?:logs?|data|mysql)[/\\](?:access|error|mysql|catalina|debug)\.(?:log|out|err))\s*(?:\x00.{0,16})?$",
        ["/usr/local/apache/conf/httpd.conf", "../logs/access.log", "c:\\apache\\logs\\error.log"], ["httpd.conf is missing", "the error log"];
    WINDOWS_FILE: "lfi-windows-file", STRONG, "a file of Windows",
        literals [".ini", "\\windows", "/windows", "c:\\", "c:/", "inetpub", "web.config", "\\system32", "/winnt", "\\winnt", "ntuser", "unattend", "sysprep", "\\repair", "win.ini", "%systemroot%", "%windir%", "%systemdrive%", "\\\\"],
        r"(?:(?:^|[\s/\\=:\x22'])(?:boot|win|system|php|my|desktop)\.ini(?:$|[\s\x00\x22'&;?%])|\b[a-z]:[/\\]+(?:windows|winnt|inetpub|boot\.ini|users[/\\]+[^/\\]+[/\\]+(?:appdata|ntuser|\.ssh)|system|program files|documents and settings|xampp|wamp)|[/\\](?:windows|winnt)[/\\]+(?:system32|repair|win\.ini|system\.ini|debug|panther|temp)|\bweb\.config\b|[/\\]inetpub[/\\]|\bntuser\.dat|\bunattend\.xml|[/\\]sysprep(?:[/\\]|\.(?:xml|inf))|%(?:systemroot|windir|systemdrive)%[/\\]|^\\\\[\w.-]+\\[\w$.-]+\\[^\s]{1,80}\.(?:php\d?|aspx?|jspx?|exe|dll|hta|ps1|vbs|bat|cmd|scf)$)",
        ["c:\\windows\\win.ini", "../boot.ini"], ["windows 10"];
    CONFIGURATION_NAME: "lfi-configuration-name", STRONG, "the name of a file of configuration, uploaded or asked for",
        literals ["wp-config", "config.", "config_", "configuration.", "settings.", ".env", "parameters.yml", "database.yml", ".ht", "secrets."],
        r"^(?:[\w.-]*[/\\]){0,8}(?:wp-config[\w.-]*|config(?:uration|\.inc|\.local|_dev|_prod)?\.(?:php|ya?ml|inc)|(?:local)?settings(?:\.local|\.inc)?\.php|database\.yml|parameters\.yml|\.env(?:\.\w+)?|\.ht\w+|web\.config|secrets\.ya?ml)(?:[_.]\w{1,4})?$",
        ["wp-config.php", "config.yml"], ["config.json.example page", "settings"];
    LEFTOVER_NAME: "lfi-leftover-name", STRONG, "the name of a copy of source code as the whole value",
        literals [".php~", ".php.", ".jsp~", ".jsp.", ".asp~", ".aspx~", ".asp.", ".aspx.", ".py~", ".inc~", ".inc.", ".conf~", ".config."],
        r"^(?:[\w.-]*[/\\]){0,8}[\w-]{1,48}\.(?:php\d?|jsp|aspx?|py|inc|conf|config)(?:~|\.(?:bak|old|orig|save|swp))$",
        ["index.php~", "admin/login.php.bak"], ["index.php", "photo.jpg.bak", "notes.txt~"];
    SECRET_FILE: "lfi-secret-file", STRONG, "a file that holds keys, passwords or history",
        literals [".ssh", "id_rsa", "id_dsa", "id_ed25519", ".aws", ".bash_history", ".htpasswd", ".htaccess", "wp-config", "web-inf", "meta-inf", ".git/", ".svn/", ".docker", ".kube", ".npmrc", ".pgpass", ".my.cnf", ".netrc", "_history", ".env", "authorized_keys", ".mysql_history", "secrets.", "credentials", ".hg/", "config.inc.php", "localconfig", ".sql", ".ds_store", "database.yml", "shadow"],
        r"(?:(?:^|[/\\\s=:\x22'])\.(?:ssh[/\\]|aws[/\\]|bash_(?:history|profile|logout)|bashrc|htpasswd|htaccess|git[/\\]|svn[/\\]|hg[/\\]|docker[/\\]|kube[/\\]|npmrc|pgpass|my\.cnf|netrc|mysql_history|psql_history|python_history|zsh_history|sh_history|env(?:\.\w+)?(?:$|[\s?#&\x22'])|ds_store|gnupg[/\\]|config[/\\]gcloud)|\bid_(?:rsa|dsa|ecdsa|ed25519)\b|\bauthorized_keys\b|(?:^|[/\\\s=])wp-config(?:[._-]\w+)*(?:$|[\s?#])|(?:web|meta)-inf[/\\]|config\.inc\.php|localconfig\.xml|\b(?:backup|dump|db|database|data|site|www|prod\w*|mysql|users?)[\w.-]*\.sql(?:\.(?:zip|gz|bz2|tar|7z|rar|xz|tgz))?(?:$|[\s?#])|[/\\]database\.yml\b|etc[/\\]shadow\b)",
        ["/root/.ssh/id_rsa", "backup.sql.zip", ".env"], ["a .environment", "config.yml"];
}

/// What counts in the path of a request alone.
pub(super) mod path {
    use crate::waf::detect::macros::patterns;
    use crate::waf::view::{Place, Places};

    patterns! {
        class Lfi, tags &["file"], places Places::of(&[Place::Path]);
        HIDDEN: "lfi-hidden-path", STRONG, "a hidden file or folder in the path",
            literals ["/."], r"/\.(?:[a-uvx-z0-9_][\w-]*|w(?:[a-df-z][\w-]*|e(?:[a-km-z][\w-]*|l(?:[a-km-z][\w-]*|l(?:[^-]|-[^k])))))", [], [];
        LEFTOVER: "lfi-leftover-path", STRONG, "a log, a backup or a file of configuration in the path",
            literals [".log", ".bak", ".old", ".orig", ".swp", ".sql", "~", ".ini", ".conf", ".cfg", ".inc", ".dist", "__x00__", ".config", "secrets", "credentials", ".pem", ".key", ".p12", ".pfx", ".kdbx", ".mdb", ".sqlite", ".tfstate", ".backup", "sftp-config", "/proc/", "/sys/"],
            r"(?:/(?:error|debug|access|errors|php_errors?|laravel|install|npm-debug|application|catalina|mysql|development|production)[\w.-]*\.log|\.(?:bak|old|orig|swp|swo|backup|save|dist|inc|mdb|kdbx|tfstate|pfx|p12|pem|sqlite3?|sql)(?:\.\w{1,4})?$|\.(?:php|jsp|aspx?|html?|js|conf|config|ini|yml|xml|json)~$|__x00__|/(?:secrets?|credentials)\.(?:ya?ml|json|env|txt|ini|toml|xml)$|/(?:app|web|server|machine|application|sftp-config|php|httpd|nginx|my|settings)\.(?:config|ini|conf|cfg|cnf)$|^/(?:proc|sys|etc)/)",
            [], [];
    }
}
