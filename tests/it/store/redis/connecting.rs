//! What is needed to get in, and what is said to those who do not.

use super::{HOUR, QUOTAS, VALUES, slow_rate};
use crate::support::redis::{Certificates, Cluster, DEADLINE, Server, free_port};
use portcullis::store::redis::{RedisStore, RedisStoreBuilder, RedisStoreError};
use portcullis::store::{Charge, Key, Owner, OwnerLimit, Store};
use std::io::{Read, Write};
use std::time::Duration;

async fn refused(builder: RedisStoreBuilder) -> RedisStoreError {
    let connected = builder.connect().await;
    connected.map(drop).expect_err("it should not connect")
}

async fn works(builder: RedisStoreBuilder) {
    let store = Store::new(builder.connect().await.unwrap());
    let key = Key::new(VALUES, "key");
    store.put(key, b"1", HOUR).await.unwrap();
    let value = store.take(key).await.unwrap();
    assert_eq!(value.as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn servers_that_evict_are_refused() {
    let server = Server::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let error = refused(server.builder()).await;
    let text = error.to_string();
    assert!(matches!(error, RedisStoreError::Evicts { .. }), "{text}");
    assert!(
        text.contains("allkeys-lru") && text.contains("noeviction"),
        "{text}"
    );
    works(server.builder().dangerous_accept_eviction()).await;
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    works(server.builder()).await;
}

#[tokio::test]
async fn tls_with_certificates_of_ones_own() {
    let certificates = Certificates::new();
    let port = free_port();
    let server = Server::with(&certificates.options(port)).await;
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("rediss://{host}:{port}");
        let builder = || {
            RedisStore::builder(&url)
                .deadline(DEADLINE)
                .connect_timeout(DEADLINE)
        };
        works(builder().trusted_certificates(certificates.authority())).await;
        // Those of the system do not vouch for it, nor does another authority.
        let error = match builder().connect().await {
            Err(RedisStoreError::Unreachable { reason, .. }) => reason,
            // A machine without any certificate.
            Err(RedisStoreError::Certificates(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(error.contains("ertificate"), "{error}");
        let other = Certificates::new().authority();
        let error = refused(builder().trusted_certificates(other)).await;
        assert!(
            matches!(error, RedisStoreError::Unreachable { .. }),
            "{error}"
        );
    }
    let plain = server
        .builder()
        .trusted_certificates(certificates.authority());
    let error = refused(plain).await;
    assert!(
        matches!(error, RedisStoreError::CertificatesWithoutTls(_)),
        "{error}"
    );
    let url = format!("rediss://localhost:{port}");
    for pem in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = refused(RedisStore::builder(&url).trusted_certificates(pem)).await;
        assert!(matches!(error, RedisStoreError::Certificates(_)), "{error}");
    }
    // A server that does not speak TLS is no reason to wait for ever.
    let url = format!("rediss://localhost:{}", server.port());
    let builder = RedisStore::builder(&url).trusted_certificates(certificates.authority());
    let error = refused(builder.connect_timeout(Duration::from_millis(500))).await;
    assert!(
        matches!(
            error,
            RedisStoreError::Unreachable { .. } | RedisStoreError::NoAnswer { .. }
        ),
        "{error}"
    );
}

/// The rules of the documentation are enough, and no more than needed.
#[tokio::test]
async fn users_with_few_rights() {
    let server = Server::start().await;
    let documentation = include_str!("../../../../src/store/redis/mod.rs");
    let rules = documentation
        .lines()
        .find_map(|line| line.strip_prefix("//! user portcullis "));
    let rules = rules
        .expect("the rules are documented")
        .replace("SECRET", "s3cret");
    let mut words = vec!["ACL", "SETUSER", "portcullis"];
    words.extend(rules.split(' '));
    assert_eq!(server.command(&words), "+OK\r\n");
    let builder = || server.builder().username("portcullis");
    works(builder().password("s3cret")).await;
    let url = format!("redis://portcullis:s3cret@127.0.0.1:{}", server.port());
    works(RedisStore::builder(&url).deadline(DEADLINE)).await;

    let store = Store::new(builder().password("s3cret").connect().await.unwrap());
    server.command(&["SCRIPT", "FLUSH", "SYNC"]);
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::evict_above(1);
    for id in ["a", "b"] {
        store
            .put_owned(owner.key(id), b"1", HOUR, limit)
            .await
            .unwrap();
    }
    assert_eq!(store.list_owned(owner).await.unwrap().len(), 1);
    let swap = store
        .compare_and_swap(owner.key("b"), Some(b"1"), b"2", HOUR)
        .await;
    swap.unwrap();
    assert_eq!(
        store.get(owner.key("b")).await.unwrap().as_deref(),
        Some(&b"2"[..])
    );
    assert_eq!(store.delete_owned(owner, Some(b"x")).await.unwrap(), 1);
    let key = Key::new(VALUES, "key");
    assert!(
        store
            .put_if_absent(key, b"1", Duration::ZERO)
            .await
            .unwrap()
    );
    assert!(store.put_if_absent(key, b"1", HOUR).await.unwrap());
    store
        .compare_and_swap(key, Some(b"1"), b"2", HOUR)
        .await
        .unwrap();
    assert!(store.delete(key).await.unwrap());
    let counter = Key::new(super::COUNTERS, "key");
    for _ in 0..2 {
        store.increment(counter, 1, HOUR).await.unwrap();
    }
    let charge = Charge::new(Key::new(QUOTAS, "key"), slow_rate(3));
    for _ in 0..3 {
        assert!(store.charge(&[charge]).await.unwrap().allowed());
    }

    for (name, password, told) in [
        ("portcullis", "wr0ng", "WRONGPASS"),
        ("nobody", "wr0ng", "WRONGPASS"),
    ] {
        let error = refused(server.builder().username(name).password(password)).await;
        let text = format!("{error} {error:?}");
        assert!(matches!(error, RedisStoreError::Refused { .. }), "{text}");
        assert!(!text.contains("wr0ng"), "{text}");
        assert!(
            text.contains(told) || text.contains("uthentication"),
            "{text}"
        );
    }
    let error = refused(builder().password("s3cret").prefix("other:")).await;
    assert!(matches!(error, RedisStoreError::Refused { .. }), "{error}");
    let shown = format!("{:?} {store:?}", builder().password("s3cret"));
    assert!(!shown.contains("s3cret"), "{shown}");
    let shown = format!("{:?}", RedisStore::builder(&url));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn databases_and_prefixes_keep_stores_apart() {
    let server = Server::start().await;
    let key = Key::new(VALUES, "key");
    let url = format!("{}/2", server.url());
    let stores = [
        server.builder(),
        server.builder().database(1),
        RedisStore::builder(&url).deadline(DEADLINE),
        server.builder().prefix("other:"),
    ];
    let mut connected = Vec::new();
    for builder in stores {
        connected.push(Store::new(builder.connect().await.unwrap()));
    }
    for (number, store) in connected.iter().enumerate() {
        assert!(
            store
                .put_if_absent(key, &[number as u8], HOUR)
                .await
                .unwrap()
        );
    }
    for (number, store) in connected.iter().enumerate() {
        let value = store.get(key).await.unwrap();
        assert_eq!(value.as_deref(), Some(&[number as u8][..]));
    }
    for prefix in ["", "a b", "{a}", "ä", &"x".repeat(65)] {
        let error = refused(server.builder().prefix(prefix)).await;
        assert!(matches!(error, RedisStoreError::Prefix(_)), "{error}");
    }
}

#[tokio::test]
async fn sockets() {
    let server = Server::with(&["--unixsocket", "redis.sock"]).await;
    let url = format!("unix://{}/redis.sock", server.folder().display());
    works(RedisStore::builder(&url).deadline(DEADLINE)).await;
    let url = format!("unix://{}/none.sock", server.folder().display());
    let error = refused(RedisStore::builder(&url)).await;
    assert!(
        matches!(error, RedisStoreError::Unreachable { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn servers_that_are_not_there_or_not_fit() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let error = refused(RedisStore::builder(&url)).await;
    assert!(
        matches!(error, RedisStoreError::Unreachable { .. }),
        "{error}"
    );

    let server = Server::start().await;
    server.pause();
    let quick = server.builder().connect_timeout(Duration::from_millis(200));
    let error = refused(quick).await;
    assert!(matches!(error, RedisStoreError::NoAnswer { .. }), "{error}");
    server.resume();

    let old = refused(RedisStore::builder(&pretender("redis_version:6.2.14\r\n"))).await;
    let text = old.to_string();
    assert!(text.contains("6.2.14") && text.contains("7.0"), "{text}");
    let none = refused(RedisStore::builder(&pretender("what:ever\r\n"))).await;
    assert!(matches!(none, RedisStoreError::TooOld { .. }), "{none}");
    assert!(matches!(
        Store::redis_cluster([]).await.unwrap_err(),
        RedisStoreError::NoUrl
    ));
    let error = Store::redis("redis://:s3cret/@localhost")
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
}

/// A server that tells this of itself, whatever it is asked.
fn pretender(info: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 1024];
        while let Ok(1..) = stream.read(&mut bytes) {
            let answer = format!("${}\r\n{info}\r\n", info.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    format!("redis://127.0.0.1:{port}")
}

#[tokio::test]
async fn several_servers_are_a_cluster() {
    let (one, other) = (Server::start().await, Server::start().await);
    let error = refused(one.builder().seed(&other.url())).await;
    assert!(matches!(error, RedisStoreError::NoCluster(_)), "{error}");
    let cluster = Cluster::start().await;
    let error = refused(cluster.builder().database(1)).await;
    assert!(error.to_string().contains("cluster mode"), "{error}");
    // The first one is not there, which the second makes up for.
    let gone = format!("redis://127.0.0.1:{}", free_port());
    let urls: Vec<_> = cluster.servers.iter().map(Server::url).collect();
    let store = Store::redis_cluster([gone.as_str(), &urls[2]])
        .await
        .unwrap();
    for id in 0..50u8 {
        store
            .put(Key::new(VALUES, &[id]), &[id], HOUR)
            .await
            .unwrap();
    }
    // Each server holds its part of them.
    for server in &cluster.servers {
        assert_ne!(server.command(&["DBSIZE"]), ":0\r\n");
    }
}
