//! Names of commands, by what else they are.

use crate::waf::detect::text::{Dictionary, Words, listed, words};
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Nothing but a command.
    Plain,
    /// An English word too.
    English,
}

pub(super) fn find(name: &[u8]) -> Option<Command> {
    if name.len() > 24 || !name.first().is_some_and(u8::is_ascii_lowercase) {
        return None;
    }
    if let Some(known) = COMMANDS.get(name) {
        return Some(known);
    }
    let numbered = name.len() > 3 && name.ends_with(b".1")
        || name
            .strip_suffix(b"3")
            .is_some_and(|stem| stem.len() > 2 && is_plain(stem));
    (numbered || is_versioned(name)).then_some(Command::Plain)
}

fn is_plain(name: &[u8]) -> bool {
    COMMANDS.get(name) == Some(Command::Plain)
}

static COMMANDS: LazyLock<Dictionary<Command>> = LazyLock::new(|| {
    let of = |list: &'static [&str], command| list.iter().map(move |word| (*word, command));
    let english = of(ENGLISH, Command::English);
    Dictionary::new(english.chain(of(PLAIN, Command::Plain)))
});

/// `python3.10`, `php8.1`, `gcc-12`.
fn is_versioned(name: &[u8]) -> bool {
    let stem_end = name
        .iter()
        .position(|byte| byte.is_ascii_digit() || *byte == b'-')
        .unwrap_or(name.len());
    let (stem, version) = name.split_at(stem_end);
    let digits = version
        .iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    stem.len() > 2
        && version.len() > 1
        && digits
        && matches!(
            stem,
            b"python" | b"php" | b"gcc" | b"perl" | b"ruby" | b"node" | b"lua" | b"clang" | b"java"
        )
}

/// Whether a command runs the command that is its argument.
pub(super) fn is_prefix(name: &[u8]) -> bool {
    listed(&PREFIXES, name)
}

static PREFIXES: Words = Words::new(|| {
    words(&[
        "builtin", "busybox", "chroot", "command", "doas", "env", "exec", "ionice", "nice",
        "nohup", "setsid", "start", "stdbuf", "strace", "sudo", "time", "timeout", "unshare",
        "watch", "xargs",
    ])
});

#[rustfmt::skip]
static PLAIN: &[&str] = &[
    "aa-exec", "ab", "addgroup", "adduser", "agetty", "alias", "aliasfile", "ansible",
    "ansible-config", "ansible-console", "ansible-doc", "ansible-galaxy", "ansible-inventory",
    "ansible-playbook", "ansible-pull", "ansible-vault", "apk", "apropos", "apt-get", "aptitude",
    "aptitude-curses", "aria2c", "arj", "arp", "ascii-xfr", "ascii85", "aspell", "assoc", "atobm",
    "attrib", "autoreconf", "awk", "aws", "awx", "base32", "base58", "base64", "basename", "basenc",
    "bashbug", "bcdboot", "bcdedit", "bconsole", "bitsadmin", "blkid", "blockdev", "bpftrace",
    "brctl", "bsdcat", "bsdiff", "bsdtar", "bunzip2", "busctl", "busybox", "byobu", "bzcat",
    "bzcmp", "bzdiff", "bzegrep", "bzexe", "bzfgrep", "bzgrep", "bzip2", "bzip2recover", "bzless",
    "bzmore", "bzz", "c89", "c99", "cacls", "calc", "capsh", "cdist", "certbot", "certreq",
    "certutil", "cfdisk", "chattr", "check_by_ssh", "check_cups", "check_log", "check_memory",
    "check_raid", "check_ssl_cert", "check_statusfile", "chef", "chef-client", "chef-run",
    "chef-solo", "chflags", "chfn", "chgpasswd", "chgrp", "chkconfig", "chmod", "choom", "chown",
    "chpass", "chpasswd", "chroot", "chsh", "cksum", "clang", "cmdkey", "cmp", "cobc", "cowsay",
    "cowthink", "cpan", "cpanm", "cpio", "cpulimit", "crictl", "cscli", "cscript", "csh", "csplit",
    "csvtool", "cupsfilter", "curl", "dasm", "debugfs", "delgroup", "deluser", "depmod", "df",
    "dhclient", "diskpart", "dmesg", "dmidecode", "dmsetup", "dnf", "dnsquery", "doas",
    "docker-compose", "domainname", "dosbox", "doskey", "dpkg", "driverquery", "dscl", "dsquery",
    "dstat", "dumpcap", "dvips", "easy_install", "easyrsa", "eb", "ebtables", "egrep", "elvish",
    "emacs", "endgroupent", "enscript", "env", "eqn", "esentutl", "etckeeper", "ethtool",
    "exiftool", "fc", "fdformat", "fdisk", "ffmpeg", "fgrep", "filetest", "finfo", "firewall-cmd",
    "fmt", "forfiles", "fping", "fsutil", "ftype", "fuser", "g++", "gawk", "gcc", "gcc7.4",
    "gcloud", "gcore", "gdb", "genisoimage", "geoiplookup", "getcap", "getenforce", "getent",
    "getfacl", "getmac", "getsysinfo", "gimp", "ginsh", "gpasswd", "gpg", "gpresult", "grc", "grep",
    "grub-install", "grub2", "gtester", "gunzip", "gzcat", "gzexe", "gzip", "hd", "helm", "hexdump",
    "hostid", "hostname", "hostnamectl", "hping", "hping3", "htdigest", "htop", "htpasswd",
    "httpie", "hydra", "icacls", "iconv", "iex", "ifconfig", "ifdown", "ifstat", "iftop", "ifup",
    "insmod", "installutil", "invoke-expression", "invoke-webrequest", "iostat", "iotop",
    "ip6tables", "ipconfig", "ipcrm", "ipcs", "ipmitool", "iptables", "irb", "irm", "irssi",
    "ispell", "iwr", "jexec", "jjs", "journalctl", "jrunscript", "jshell", "kadmin", "killall",
    "kinit", "kmod", "ksh", "kshell", "ksshell", "lastb", "lastcomm", "lastlog", "lastlogin",
    "latex", "latexmk", "ld", "ldapsearch", "ldconfig", "ldd", "lessecho", "lftp", "lftpget", "ll",
    "ln", "lnd", "loadkeys", "loginctl", "logname", "logsave", "losetup", "lpq", "lpr", "ls",
    "lsattr", "lsb_release", "lsblk", "lscpu", "lsinitramfs", "lsmod", "lsof", "lspci", "lsusb",
    "ltrace", "lua", "lvs", "lwp-download", "lwp-dump", "lwp-mirror", "lwp-request", "lynx", "lz",
    "lz4", "lz4c", "lz4cat", "lzcat", "lzcmp", "lzdiff", "lzegrep", "lzfgrep", "lzgrep", "lzless",
    "lzma", "lzmadec", "lzmainfo", "lzmore", "mailq", "mailx", "masscan", "mawk", "mesg",
    "mimikatz", "minicom", "mkdir", "mkfifo", "mkfile", "mkfs", "mknod", "mkpasswd", "mkswap",
    "mktemp", "mlocate", "modinfo", "modprobe", "moreutils", "mosquitto", "msbuild", "msgattrib",
    "msgcat", "msgconv", "msgfilter", "msgmerge", "msguniq", "mshta", "msiexec", "mtr", "multitool",
    "mv", "mysql", "mysqladmin", "mysqldump", "mysqldumpslow", "mysqlhotcopy", "mysqlshow", "nasm",
    "nawk", "nbtstat", "nc", "nc.openbsd", "nc.traditional", "ncat", "ncftp", "neofetch", "nerdctl",
    "netcat", "netdom", "netkit-ftp", "netplan", "netsh", "netstat", "networksetup", "newgrp",
    "nft", "nginx", "ngrep", "nltest", "nmap", "nohup", "notepad", "nproc", "nroff", "nsenter",
    "nslookup", "nstat", "nsupdate", "ntdsutil", "ntfs-3g", "ntpdate", "nvidia-smi", "octave", "od",
    "odbcconf", "opendoas", "openssl", "openvpn", "openvt", "ophcrack", "opkg", "osascript",
    "pacman", "pandoc", "pandorafms", "parted", "passwd", "pathping", "pcmanfm", "pdb", "pdflatex",
    "pdksh", "perldoc", "perlsh", "perms", "pf", "pfctl", "pftp", "pg", "pg_dump", "pg_dumpall",
    "pgrep", "php-cgi", "php5", "php7", "php8", "phpize", "pico", "pidof", "pidstat", "pigz",
    "ping6", "pip", "pip3", "pkexec", "pkgin", "pkginfo", "pkill", "pmap", "podman", "poweroff",
    "powershell", "ppid", "printenv", "procdump", "procps", "ps", "psed", "psexec", "psftp",
    "psping", "psql", "pstree", "ptx", "pvs", "pwd", "pwdx", "pwsh", "py", "py3versions", "pypy",
    "python2", "python3", "pyversions", "qappsrv", "qprocess", "quser", "qwinsta", "rake", "rbash",
    "rcp", "rdesktop", "rdmsr", "readelf", "readlink", "realpath", "reg", "regasm", "regedit",
    "regsvcs", "regsvr32", "restic", "rgrep", "rmdir", "rmmod", "rmt", "rmt-tar", "rmuser", "robocopy", "rpm",
    "rpmdb", "rpmquery", "rpmverify", "rrdtool", "rscript", "rsh", "rsync", "rtorrent",
    "run-mailcap", "run-parts", "runas", "rundll32", "runlevel", "runscript", "runuser", "rview",
    "rvim", "sash", "sched", "schtasks", "scp", "scrot", "sdiff", "sed", "semanage", "sendmail",
    "sestatus", "setcap", "setenforce", "setfacl", "setfattr", "setsid", "setx", "sfdisk", "sftp",
    "sg", "sh1", "sha1sum", "sha224sum", "sha256sum", "sha512sum", "shadowfile", "shred", "shuf",
    "slsh", "smbclient", "smbmap", "snmpwalk", "socat", "sockstat", "soelim", "sqlite3", "sqlmap",
    "ss", "ssconvert", "ssh", "ssh-agent", "ssh-copy-id", "ssh-keygen", "ssh-keyscan", "sshfs",
    "sshpass", "start-stop-daemon", "stdbuf", "strace", "stty", "sudo", "swapoff", "swapon",
    "sysctl", "syslog", "systemctl", "systemd-resolve", "systeminfo", "tac", "takeown", "tar",
    "taskkill", "tasklist", "taskset", "tasksh", "tbl", "tclsh", "tcpdump", "tcping",
    "tcptraceroute", "tcsh", "telinit", "telnet", "terraform", "tftp", "tic", "timedatectl",
    "tmate", "tmux", "tnftp", "torify", "tput", "traceroute", "traceroute6", "tracert", "troff",
    "tsc", "tshark", "tty", "typeperf", "tzselect", "udevadm", "ufw", "ul", "uname", "uncompress",
    "unexpand", "uniq", "unlzma", "unrar", "unshare", "unxz", "unzip", "unzstd",
    "update-alternatives", "useradd", "userdel", "usermod", "usleep", "utmpdump", "uudecode",
    "uuencode", "vagrant", "valgrind", "vbox", "vboxmanage", "ver", "vgs", "vigr", "vimdiff",
    "vipw", "virsh", "virt", "visudo", "vmstat", "vol", "volatility", "vssadmin", "waagent",
    "wbadmin", "wc", "wevtutil", "wget", "whiptail", "whoami", "wmic", "wscript", "wuauclt", "wusa",
    "xargs", "xcopy", "xdotool", "xelatex", "xetex", "xmodmap", "xmore", "xpad", "xterm", "xxd",
    "xz", "xzcat", "xzcmp", "xzdec", "xzdiff", "xzegrep", "xzfgrep", "xzgrep", "xzless", "xzmore",
    "yum", "zcat", "zcmp", "zdiff", "zegrep", "zfgrep", "zgrep", "zipcloak", "zipdetails",
    "zipgrep", "zipinfo", "zless", "zmap", "zmore", "zrun", "zsh", "zsoelim", "zstd", "zstdcat",
    "zstdgrep", "zstdless", "zstdmt", "zypper",
];

#[rustfmt::skip]
static ENGLISH: &[&str] = &[
    "apt", "arch", "at", "base", "bash", "batch", "bind", "bison", "break", "bridge", "builtin",
    "call", "cancel", "cat", "cd", "cipher", "clear", "cmd", "column", "comm", "command", "comp",
    "copy", "cp", "crash", "crontab", "cut", "dash", "date", "dd", "declare", "defaults", "del",
    "dialog", "diff", "dig", "dir", "docker", "done", "dos", "du", "echo", "ed", "erase", "eval",
    "exec", "exit", "expand", "export", "expr", "factor", "fetch", "file", "find", "finger", "fish",
    "fold", "free", "ftp", "gem", "genie", "git", "go", "halt", "head", "help", "hg", "highlight",
    "history", "host", "id", "install", "ip", "java", "jobs", "join", "jq", "kill", "knife",
    "kubectl", "last", "less", "let", "link", "local", "locale", "locate", "logger", "login",
    "logout", "look", "lp", "lsb", "mail", "make", "man", "md", "micro", "more", "mount", "mutt",
    "nano", "net", "nice", "nl", "node", "npm", "npx", "nslookup6", "open", "paste", "patch",
    "perf", "perl", "php", "pic", "ping", "pkg", "pr", "print", "printf", "pry", "puppet", "python",
    "rc", "rd", "read", "readonly", "reboot", "red", "ren", "rename", "reset", "return", "rev",
    "rg", "rm", "route", "ruby", "run", "scala", "screen", "script", "select", "service", "set",
    "sh", "shift", "shutdown", "sleep", "snap", "sort", "source", "split", "start", "stat",
    "strings", "su", "sum", "svn", "sync", "systemd", "tail", "task", "tee", "test", "time",
    "timeout", "title", "top", "touch", "tr", "trap", "tree", "true", "type", "ulimit", "umask",
    "unset", "until", "uptime", "users", "vi", "view", "vim", "w", "wait", "wall", "watch",
    "whatis", "whereis", "which", "while", "who", "wireshark", "wish", "write", "xdg", "yarn",
    "yelp", "yes", "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order_and_apart() {
        for list in [PLAIN, ENGLISH] {
            assert!(list.is_sorted(), "{list:?}");
        }
        assert!(!PLAIN.iter().any(|name| ENGLISH.contains(name)));
    }
}
