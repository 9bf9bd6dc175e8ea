//! The provider, real and on this machine: `tests/idp`.

use crate::support::redis::free_port;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) const CLIENT_ID: &str = "portcullis-web";
pub(crate) const CLIENT_SECRET: &str = "test-only-secret-of-at-least-32-bytes!";
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A provider of one's own, gone with the test.
#[derive(Debug)]
pub(crate) struct Idp {
    port: u16,
    process: Child,
}

impl Idp {
    /// A provider for a relying party at this origin, with these variables more.
    pub(crate) async fn start(relying_party: &str, variables: &[(&str, &str)]) -> Self {
        // Another test may take the port in between, so it is tried again.
        for _ in 0..5 {
            if let Some(idp) = Self::launch(relying_party, variables) {
                return idp;
            }
        }
        panic!("the provider of tests/idp does not start");
    }

    fn launch(relying_party: &str, variables: &[(&str, &str)]) -> Option<Self> {
        let folder = installed();
        let port = free_port();
        let mut command = Command::new("node");
        command
            .arg(folder.join("server.mjs"))
            .env("NODE_NO_WARNINGS", "1")
            .env("IDP_PORT", port.to_string())
            .env("IDP_MAX_SECONDS", "300")
            .env("IDP_REDIRECT_URIS", redirect_uris(relying_party))
            .env("IDP_POST_LOGOUT_URIS", format!("{relying_party}/"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command
            .spawn()
            .expect("this test needs node on the path: apt-get install nodejs (Debian)");
        let mut first = String::new();
        // It says one line when it listens, and nothing when it cannot.
        let read = BufReader::new(process.stdout.take().unwrap()).read_line(&mut first);
        let mut idp = Self { port, process };
        if read.is_ok() && first.contains("\"ready\":true") {
            return Some(idp);
        }
        idp.stop();
        None
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Something of its control surface.
    pub(crate) async fn control(&self, name: &str, order: &Value) -> Value {
        let url = format!("{}/__control/{name}", self.issuer());
        let answer = super::http::post(&url, "application/json", order.to_string()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The next requests for this path get this.
    pub(crate) async fn fault(&self, path: &str, mut fault: Value) {
        fault["path"] = json!(path);
        self.control("fault", &fault).await;
    }

    /// The next ID token is signed anew with these changes.
    pub(crate) async fn tamper(&self, changes: &Value) {
        self.control("tamper", changes).await;
    }

    /// How often this path was asked for.
    pub(crate) async fn count(&self, path: &str) -> u64 {
        let url = format!("{}/__control/stats", self.issuer());
        let stats = super::http::get(&url).await;
        let stats: Value = serde_json::from_str(&stats.body).unwrap();
        stats["counts"][path].as_u64().unwrap_or_default()
    }

    pub(crate) fn stop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.stop();
    }
}

fn redirect_uris(relying_party: &str) -> String {
    ["oidc", "other"]
        .map(|name| format!("{relying_party}/auth/{name}/callback"))
        .join(",")
}

/// Where the provider and its packages are, which are installed when they are not there.
fn installed() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idp");
    // This runs as target/debug/deps/it-....
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let folder = target.join("idp");
    fs::create_dir_all(&folder).unwrap();
    // Each test is a process of its own: one installs, the others wait.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join("node_modules/oidc-provider").exists() {
        fs::copy(source.join("package.json"), folder.join("package.json")).unwrap();
        let install = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
        let done = Command::new("npm")
            .args(install)
            .arg("--silent")
            .current_dir(&folder)
            .status();
        let is_done = done.is_ok_and(|status| status.success());
        assert!(
            is_done,
            "this test needs the packages of tests/idp: run `npm {}` in {}",
            install.join(" "),
            folder.display()
        );
    }
    // Beside its packages, where Node looks for them.
    let script = fs::read(source.join("server.mjs")).unwrap();
    let copy = folder.join("server.mjs");
    if fs::read(&copy).ok().as_ref() != Some(&script) {
        let new = folder.join("server.mjs.new");
        fs::write(&new, &script).unwrap();
        fs::rename(&new, &copy).unwrap();
    }
    folder
}
