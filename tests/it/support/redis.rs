//! Real servers of Redis, each on a free port with a folder of its own, gone with the test.

use portcullis::store::{RedisStore, RedisStoreBuilder, Store};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

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
        let mut command = Command::new("redis-server");
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
