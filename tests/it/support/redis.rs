//! Real servers of Redis, each on a free port with a folder of its own, gone with the test.

use portcullis::store::Store;
use portcullis::store::redis::{RedisStore, RedisStoreBuilder};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::AbortHandle;

/// How long a server may take to start. This machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// Operations of tests may wait this long: a busy machine is no fault.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    options: Vec<String>,
    folder: TempDir,
    process: Option<Child>,
}

#[allow(dead_code, reason = "which are used depends on the features")]
impl Server {
    /// A server that keeps everything in memory and nothing on disk.
    pub(crate) async fn start() -> Self {
        Self::with::<&str>(&[]).await
    }

    /// A server with these options more, as on its command line.
    pub(crate) async fn with<S: AsRef<str>>(options: &[S]) -> Self {
        let options: Vec<_> = options.iter().map(|text| text.as_ref().into()).collect();
        // Another test may take the port in between, so it is tried again.
        for _ in 0..20 {
            let mut server = Self {
                port: free_port(),
                options: options.clone(),
                folder: tempfile::tempdir().unwrap(),
                process: None,
            };
            if server.launch().await {
                return server;
            }
        }
        panic!("redis-server does not start with {options:?}");
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A builder with a deadline that only a stuck server misses.
    pub(crate) fn builder(&self) -> RedisStoreBuilder {
        RedisStore::builder(&self.url())
            .deadline(DEADLINE)
            .connect_timeout(DEADLINE)
    }

    /// A store on this server.
    pub(crate) async fn store(&self) -> Store {
        Store::new(self.builder().connect().await.unwrap())
    }

    /// Makes the server silent: it keeps its connections and answers nothing.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Ends a pause.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Ends the server at once, with all that it held.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts the server anew on the same port: empty, unless it saves to disk.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        let until = Instant::now() + PATIENCE;
        while !self.launch().await {
            assert!(Instant::now() < until, "redis-server does not come back");
        }
    }

    /// Asks the server something, as an operator would, and gives the plain answer.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        exchange(self.port, words).unwrap()
    }

    /// The value of a line of `INFO`.
    pub(crate) fn info(&self, name: &str) -> String {
        let answer = self.command(&["INFO", "everything"]);
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().to_owned()
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Tells whether the server runs and answers.
    async fn launch(&mut self) -> bool {
        // Another server that speaks the same protocol, such as valkey-server.
        let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
        let mut command = Command::new(program);
        command
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .args(&self.options)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn();
        self.process = Some(process.expect(
            "this test needs redis-server on the path: apt-get install redis-server (Debian)",
        ));
        let until = Instant::now() + PATIENCE;
        loop {
            let process = self.process.as_mut().unwrap();
            if process.try_wait().unwrap().is_some() {
                self.process = None;
                return false;
            }
            // With a password it answers that one is needed, which is an answer.
            if exchange(self.port, &["PING"]).is_ok_and(|answer| !answer.starts_with("-LOADING")) {
                return true;
            }
            assert!(Instant::now() < until, "redis-server does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Certificates for a server on this machine, made by `openssl`, and the authority behind them.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &str| {
            let mut command = Command::new("openssl");
            command
                .args(arguments.split(' '))
                .current_dir(folder.path());
            let output = command
                .output()
                .expect("this test needs openssl: apt-get install openssl");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "openssl {arguments}: {told}");
        };
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        std::fs::write(folder.path().join("names"), names).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        run(&format!(
            "req -x509 {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=authority"
        ));
        run(&format!(
            "req {key} -keyout server.key -out server.csr -subj /CN=server"
        ));
        run(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
        );
        Self { folder }
    }

    pub(crate) fn authority(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("ca.crt")).unwrap()
    }

    /// The certificate of the server and its key, as PEM text.
    #[allow(dead_code, reason = "which are used depends on the features")]
    pub(crate) fn server(&self) -> [Vec<u8>; 2] {
        ["server.crt", "server.key"]
            .map(|name| std::fs::read(self.folder.path().join(name)).unwrap())
    }

    /// Options of a server that speaks TLS on this port, beside the plain one.
    pub(crate) fn options(&self, port: u16) -> Vec<String> {
        let path = |name| self.folder.path().join(name).display().to_string();
        let options = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", path("server.crt")),
            ("--tls-key-file", path("server.key")),
            ("--tls-ca-cert-file", path("ca.crt")),
            ("--tls-auth-clients", "no".to_owned()),
        ];
        options
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }
}

/// Stands between a store and its server, and holds back what the server says.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    delay: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Proxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let delay = Arc::new(AtomicU64::new(0));
        let held_back = Arc::clone(&delay);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = tokio::net::TcpStream::connect(("127.0.0.1", server)).await;
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.unwrap().into_split();
                let delay = Arc::clone(&held_back);
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                });
                tokio::spawn(async move {
                    let mut bytes = vec![0; 65_536];
                    while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
                        let held = Duration::from_millis(delay.load(Ordering::Relaxed));
                        tokio::time::sleep(held).await;
                        if to_client.write_all(&bytes[..length]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let task = task.abort_handle();
        Self { port, delay, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Each answer comes this much later from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.delay.store(millis, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Servers that are one Cluster: as many primaries as asked for, and maybe a replica of each.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
}

#[allow(dead_code, reason = "which are used depends on the features")]
impl Cluster {
    /// Three primaries.
    pub(crate) async fn start() -> Self {
        Self::with(3, 0).await
    }

    /// Primaries first, their replicas after them.
    pub(crate) async fn with(primaries: usize, replicas: usize) -> Self {
        let options = [
            ["--cluster-enabled", "yes"],
            ["--cluster-node-timeout", "1000"],
            ["--cluster-replica-validity-factor", "0"],
            ["--repl-diskless-sync-delay", "0"],
        ];
        let mut servers = Vec::new();
        for _ in 0..primaries * (replicas + 1) {
            // The bus of the Cluster takes another port.
            let bus = free_port().to_string();
            let mut options: Vec<&str> = options.iter().flatten().copied().collect();
            options.extend(["--cluster-port", &bus]);
            servers.push((Server::with(&options).await, bus));
        }
        let (first, first_bus) = &servers[0];
        let first_port = first.port.to_string();
        for (server, _) in &servers[1..] {
            let met = ["CLUSTER", "MEET", "127.0.0.1", &first_port, first_bus];
            assert_eq!(server.command(&met), "+OK\r\n");
        }
        let share = 16_384usize.div_ceil(primaries);
        for (place, (server, _)) in servers[..primaries].iter().enumerate() {
            let (first, last) = (place * share, ((place + 1) * share).min(16_384) - 1);
            let (first, last) = (first.to_string(), last.to_string());
            let given = server.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            assert_eq!(given, "+OK\r\n");
        }
        let servers: Vec<_> = servers.into_iter().map(|(server, _)| server).collect();
        let cluster = Self { servers };
        cluster.agree().await;
        for (place, server) in cluster.servers.iter().enumerate().skip(primaries) {
            let id = cluster.servers[place % primaries].command(&["CLUSTER", "MYID"]);
            let id = id.lines().nth(1).unwrap().to_owned();
            assert_eq!(server.command(&["CLUSTER", "REPLICATE", &id]), "+OK\r\n");
        }
        for server in &cluster.servers[primaries..] {
            wait_until("a replica follows", || {
                server.info("master_link_status") == "up"
            })
            .await;
        }
        cluster.agree().await;
        cluster
    }

    pub(crate) fn builder(&self) -> RedisStoreBuilder {
        self.servers[0].builder()
    }

    pub(crate) async fn store(&self) -> Store {
        Store::new(self.builder().connect().await.unwrap())
    }

    /// Waits until all know of all.
    async fn agree(&self) {
        let all = format!("cluster_known_nodes:{}", self.servers.len());
        for server in &self.servers {
            wait_until("the Cluster agrees", || {
                let answer = server.command(&["CLUSTER", "INFO"]);
                answer.contains("cluster_state:ok") && answer.contains(&all)
            })
            .await;
        }
    }
}

/// Waits until something is so.
pub(crate) async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A port that nobody listens on. Below those that the system gives to outgoing connections,
/// which could otherwise take it before the server does.
pub(crate) fn free_port() -> u16 {
    for _ in 0..1_000 {
        let [high, low] = portcullis::random::Random::secure().bytes();
        let port = 10_000 + u16::from_be_bytes([high, low]) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("there is no free port");
}

/// Sends one command, and gives the answer as it comes.
fn exchange(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    request.push_str("*1\r\n$4\r\nQUIT\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.strip_suffix("+OK\r\n").unwrap_or(&answer).to_owned())
}
