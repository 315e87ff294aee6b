//! The S3 client against a real server, and against one that misbehaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::repository::Repository;
use archive::store::{Condition, Error, ObjectStore, Patience, connect_through, content_type, delete_prefix};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

use archive::location::{Location, S3};

use crate::server::{ACCESS_KEY, BUCKET, NAME, SECRET_KEY, Server, access, connect, free_address, store};
use crate::support::{DIRECTORY, ROOT, back_up, entries, open, password, site};
use crate::tools::find;

async fn put(
    store: &dyn ObjectStore,
    key: &str,
    content: &'static str,
    condition: Condition,
) -> Result<(), Error> {
    store.put(key, Bytes::from_static(content.as_bytes()), content_type::BINARY, condition).await
}

#[tokio::test]
async fn objects_are_written_on_their_condition_and_read_whole_and_in_part() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    use_conditions(store.as_ref()).await;
}

async fn use_conditions(store: &dyn ObjectStore) {
    put(store, "a/b", "first", Condition::Absent).await.unwrap();
    let error = put(store, "a/b", "second", Condition::Absent).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    let object = store.get("a/b").await.unwrap();
    assert_eq!(object.content, "first");
    let description = store.head("a/b").await.unwrap();
    assert_eq!((description.size, &description.version), (5, &object.description.version));
    // A server may keep the date of its answers for a second.
    let age = object.description.now.map(|now| now.duration_since(object.description.modified).as_secs());
    assert!(age.is_none_or(|age| (-1..5).contains(&age)), "{age:?}");
    assert_eq!(store.get_range("a/b", 1..3).await.unwrap(), "ir");
    let beyond = store.get_range("a/b", 3..9).await.unwrap_err();
    assert!(matches!(beyond, Error::Other { .. }), "{beyond}");

    let version = object.description.version.unwrap();
    put(store, "a/b", "second", Condition::Unchanged(version.clone())).await.unwrap();
    let error = put(store, "a/b", "third", Condition::Unchanged(version)).await.unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    assert_eq!(store.get("a/b").await.unwrap().content, "second");

    assert!(store.get("a/c").await.unwrap_err().is_not_found());
    assert!(store.head("a/c").await.unwrap_err().is_not_found());
    store.delete("a/b").await.unwrap();
    store.delete("a/b").await.unwrap();
    assert_eq!(store.list("").await.unwrap(), []);
}

#[tokio::test]
async fn a_private_certificate_authority_is_trusted_when_it_is_given_and_only_then() {
    let Some((server, pem)) = Server::start_with_tls() else { return };
    let location = S3::new(&server.tls_endpoint(), BUCKET, "demo", "");
    let keys = (ACCESS_KEY, SECRET_KEY);

    let error = connect(location.clone(), keys, None).unwrap().list("").await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap().cert.pem();
    let error = connect(location.clone(), keys, Some(&other)).unwrap().list("").await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    let error = connect(location.clone(), keys, Some("rubbish")).unwrap_err();
    assert!(error.to_string().starts_with("CA_CERT_DATA for bucket \"backups\""), "{error}");

    let trusting = connect(location.clone(), keys, Some(&pem)).unwrap();
    let insecure = connect(S3 { insecure_tls: true, ..location.clone() }, keys, None).unwrap();
    for store in [trusting, insecure] {
        use_conditions(store.as_ref()).await;
        list_many(&store).await;
    }
    let trusting = |bucket: &str, keys| {
        connect(S3 { bucket: bucket.to_owned(), ..location.clone() }, keys, Some(&pem)).unwrap()
    };
    let error = trusting(BUCKET, (ACCESS_KEY, "wrong")).list("").await.unwrap_err();
    assert!(error.to_string().starts_with("the secret key does not match access key"), "{error}");
    let absent = trusting("no-such-bucket", keys);
    let error = absent.list("").await.unwrap_err();
    assert!(matches!(error, Error::NoSuchBucket { .. }), "{error}");
    let error = put(absent.as_ref(), "a", "x", Condition::Absent).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchBucket { .. }), "{error}");

    let repository = open(trusting(BUCKET, keys)).await.unwrap();
    assert_eq!(back_up(&repository, entries(30, 0)).await.unwrap().files, 30);
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_is_reached_at_another_address_is_known_by_its_name() {
    let Some((server, pem)) = Server::start_with_tls() else { return };
    let through = |endpoint: &str, authority: Option<&str>, insecure_tls: bool| {
        let location = S3 { insecure_tls, ..S3::new(endpoint, BUCKET, "demo", "") };
        let access = access((ACCESS_KEY, SECRET_KEY), authority);
        connect_through(&Location::S3(location), &access, Patience::brief(), server.address)
    };
    // The port is that of the name, not of the address.
    let named = format!("https://{NAME}:9000");
    use_conditions(through(&named, Some(&pem), false).unwrap().as_ref()).await;
    for (endpoint, authority) in [(named.as_str(), None), ("https://other.example.com", Some(pem.as_str()))] {
        let error = through(endpoint, authority, false).unwrap().list("").await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{endpoint}: {error}");
    }
    assert!(through(&named, None, true).is_err(), "nobody would notice another server");

    let Some(plain) = Server::start() else { return };
    let location = Location::S3(S3::new(&format!("http://{NAME}"), BUCKET, "demo", ""));
    let access = access((ACCESS_KEY, SECRET_KEY), None);
    let store = connect_through(&location, &access, Patience::brief(), plain.address).unwrap();
    use_conditions(store.as_ref()).await;
}

#[tokio::test]
async fn a_listing_of_many_pages_is_whole() {
    let Some(server) = Server::start() else { return };
    list_many(&server.store()).await;
}

async fn list_many(store: &Arc<dyn ObjectStore>) {
    futures::stream::iter(0..1_205)
        .map(|number| {
            let store = Arc::clone(store);
            async move { put(store.as_ref(), &format!("many/{number:05}"), "x", Condition::Always).await }
        })
        .buffer_unordered(16)
        .try_collect::<()>()
        .await
        .unwrap();
    put(store.as_ref(), "many-others", "x", Condition::Always).await.unwrap();
    let listed = store.list("many/").await.unwrap();
    assert_eq!(listed.len(), 1_205);
    assert_eq!((listed[1_204].key.as_str(), listed[1_204].size), ("many/01204", 1));
    assert_eq!(delete_prefix(store.as_ref(), "many/").await.unwrap(), 1_205);
    assert_eq!(store.list("").await.unwrap().len(), 1);
    store.delete("many-others").await.unwrap();
}

#[tokio::test]
async fn what_is_configured_wrongly_is_named() {
    let Some(server) = Server::start() else { return };
    let endpoint = server.endpoint();
    let error = store(&endpoint, BUCKET, (ACCESS_KEY, "wrong")).list("").await.unwrap_err();
    let told = format!(
        "the secret key does not match access key \"kubestash\" at {endpoint} (SignatureDoesNotMatch)"
    );
    assert_eq!(error.to_string(), told);
    let error = store(&endpoint, BUCKET, ("nobody", SECRET_KEY)).list("").await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
    assert!(error.to_string().contains("access key \"nobody\" is not known"), "{error}");
    let absent = store(&endpoint, "no-such-bucket", (ACCESS_KEY, SECRET_KEY));
    let error = absent.list("").await.unwrap_err();
    assert_eq!(error.to_string(), format!("bucket \"no-such-bucket\" does not exist at {endpoint}"));
    for error in [
        absent.get("a").await.unwrap_err(),
        put(absent.as_ref(), "a", "x", Condition::Absent).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::NoSuchBucket { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_apart() {
    let nobody = format!("http://{}", free_address());
    let error = store(&nobody, BUCKET, (ACCESS_KEY, SECRET_KEY)).list("").await.unwrap_err();
    assert!(error.to_string().contains(": connection refused ("), "{error}");
    let error = store("http://s3.invalid:7070", BUCKET, (ACCESS_KEY, SECRET_KEY)).list("").await.unwrap_err();
    assert!(error.to_string().contains("the name of the server does not resolve"), "{error}");
    assert!(error.permanence().is_temporary());
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_limit_and_no_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    let start = Instant::now();
    let error = store(&endpoint, BUCKET, (ACCESS_KEY, SECRET_KEY)).list("").await.unwrap_err();
    assert!(error.to_string().contains("no answer within 2 s"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    silent.abort();
}

#[tokio::test]
async fn stock_restic_of_today_and_of_old_reads_what_was_written() {
    let Some(server) = Server::start() else { return };
    let Some([today, old]) = find(["restic", "restic-old"]) else { return };
    let repository = open(server.store()).await.unwrap();
    let stored = back_up(&repository, entries(300, 0)).await.unwrap();
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
    for program in [today, old] {
        let restic = server.restic(&program, DIRECTORY);
        restic.expect(&["check", "--read-data"]);
        let snapshots = restic.expect(&["snapshots", "--json"]);
        let snapshots: serde_json::Value = serde_json::from_str(&snapshots).unwrap();
        assert_eq!(snapshots[0]["id"], stored.id.as_str());
        assert_eq!(snapshots[0]["hostname"], "manifest");
        assert_eq!(snapshots[0]["paths"], serde_json::json!([ROOT]));
        let path = format!("{ROOT}/{}", entries(300, 0)[3].path);
        assert_eq!(restic.expect(&["dump", "latest", &path]).as_bytes(), entries(300, 0)[3].content);
        let size = restic.expect(&["stats", "--mode", "raw-data", "--json"]);
        let size: serde_json::Value = serde_json::from_str(&size).unwrap();
        assert_eq!(size["total_size"], repository.size().await.unwrap());
    }
    assert!(!server.folder(&format!("demo/{DIRECTORY}/locks")).exists(), "a lock or its folder stayed");
}

#[tokio::test]
async fn of_many_makers_on_a_real_server_one_wins() {
    let Some(server) = Server::start() else { return };
    let opened = futures::future::join_all((0..6).map(|_| {
        let site = site(server.store());
        async move { Repository::open_or_initialise(site, &password("secret")).await }
    }))
    .await;
    for repository in opened {
        back_up(&repository.unwrap(), entries(3, 0)).await.unwrap();
    }
    let keys = std::fs::read_dir(server.folder(&format!("demo/{DIRECTORY}/keys"))).unwrap().count();
    assert_eq!(keys, 1);
    let repository = open(server.store()).await.unwrap();
    assert_eq!(repository.snapshots().await.unwrap().len(), 6);
}
