//! Lists of networks, from files that change.

use super::*;
use portcullis::event::EventSink;
use portcullis::limit::ban::{InvalidNetworkList, NetworkList};
use std::fs;
use std::sync::mpsc::{Sender, channel};

#[tokio::test]
async fn a_file_that_changes_while_requests_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("block.txt");
    fs::write(&path, "203.0.113.7 # once\n").unwrap();
    let list = NetworkList::from_file(&path).unwrap();
    let time = time();
    let builder = Bans::builder(memory(&time)).block_networks(list.clone());
    let site = Machine::new(builder, &time).site();
    let refused = async || {
        let mut refused = Vec::new();
        for last in [7, 8] {
            refused.push(statuses(&site, address(last), "/", 1).await[0] == 403);
        }
        refused
    };
    assert_eq!(refused().await, [true, false]);
    assert!(list.reload_if_changed().is_none());

    fs::write(&path, "203.0.113.8\n198.51.100.0/24").unwrap();
    assert_eq!(refused().await, [true, false], "not before it is read");
    assert_eq!(list.reload_if_changed().unwrap().unwrap(), 2);
    assert_eq!(refused().await, [false, true]);

    fs::write(&path, "203.0.113.7\n\nnonsense\n").unwrap();
    let error = list.reload_if_changed().unwrap().unwrap_err();
    assert!(
        matches!(error, InvalidNetworkList::Line { line: 3, .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        r#"line 3 is no address or network: "nonsense"; write 192.0.2.1 or 192.0.2.0/24"#
    );
    assert_eq!(refused().await, [false, true], "the old list stays");
    assert!(list.reload_if_changed().is_none(), "told once");
    assert!(list.reload().is_err(), "unless asked");

    fs::remove_file(&path).unwrap();
    let error = list.reload_if_changed().unwrap().unwrap_err();
    assert!(
        matches!(error, InvalidNetworkList::Unreadable { .. }),
        "{error}"
    );
    assert!(list.reload_if_changed().is_none());
    assert_eq!(refused().await, [false, true]);
    fs::write(&path, "203.0.113.7").unwrap();
    assert_eq!(list.reload().unwrap(), 1);
    assert_eq!(refused().await, [true, false]);
}

#[test]
fn a_broken_file_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    assert!(NetworkList::from_file(&path).is_err(), "there is none");
    fs::write(&path, "203.0.113.7/24").unwrap();
    let error = NetworkList::from_file(&path).unwrap_err().to_string();
    assert!(error.contains("203.0.113.0/24"), "{error}");
    fs::write(&path, b"# caf\xE9\n203.0.113.7").unwrap();
    assert_eq!(NetworkList::from_file(&path).unwrap().len(), 1);
}

/// Hands events to a test that waits for them.
struct Channel(std::sync::Mutex<Sender<SecurityEvent>>);

impl EventSink for Channel {
    fn record(&self, event: SecurityEvent) {
        self.0.lock().unwrap().send(event).unwrap();
    }
}

#[test]
fn watched_files_are_read_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    fs::write(&path, "203.0.113.7").unwrap();
    let list = NetworkList::from_file(&path).unwrap();
    let (sender, events) = channel();
    let sink = Arc::new(Channel(sender.into()));
    let emitter = Emitter::new(sink, portcullis::clock::Clock::system());
    let watch = list.watch(Duration::from_millis(1), emitter).unwrap();
    let replace = |text: &str| {
        let new = folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
    };
    replace("203.0.113.7\nbroken");
    let told = events.recv_timeout(MINUTE).unwrap();
    assert_eq!(told.kind(), EventKind::SysControlDegraded);
    assert_eq!(told.code(), Some("network_list_refused"));
    assert!(
        told.reason().unwrap().contains("line 2"),
        "{:?}",
        told.reason()
    );
    assert!(list.contains(address(7)), "the old list stays");
    replace("203.0.113.8");
    let deadline = std::time::Instant::now() + MINUTE;
    while !list.contains(address(8)) {
        assert!(
            std::time::Instant::now() < deadline,
            "the new list is never read"
        );
        std::thread::yield_now();
    }
    assert!(!list.contains(address(7)));
    // Without the watch the thread ends, and lets go of the emitter.
    drop(watch);
    assert!(events.recv_timeout(MINUTE).is_err());
}

#[test]
fn reloads_under_load_are_seen_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    // One of the two is always on the list, and never both; the third is always.
    let versions = [7, 8].map(|last| {
        let filler = (0..2000).map(|n| format!("198.51.{}.{}", n / 256, n % 256));
        let lines = filler.chain([address(last).to_string(), address(9).to_string()]);
        lines.collect::<Vec<_>>().join("\n")
    });
    fs::write(&path, &versions[0]).unwrap();
    let list = NetworkList::from_file(&path).unwrap();
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    assert!(list.contains(address(9)));
                    assert!(!list.contains(address(10)));
                }
            });
        }
        for round in 0..50 {
            let new = folder.path().join("new");
            fs::write(&new, &versions[round % 2]).unwrap();
            fs::rename(&new, &path).unwrap();
            assert_eq!(list.reload().unwrap(), 2002);
            assert!(list.contains(address([7, 8][round % 2])));
            assert!(!list.contains(address([8, 7][round % 2])));
        }
        is_done.store(true, Ordering::Relaxed);
    });
}
