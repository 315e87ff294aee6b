//! The S3 client against answers that a server gives on a bad day.

use std::sync::Arc;

use archive::store::{Condition, Error, ObjectStore, content_type};
use bytes::Bytes;

use crate::canned::{Answer, Canned};
use crate::server::{ACCESS_KEY, BUCKET, SECRET_KEY, store};

use Answer::{Half, Http, Nothing};

const DATES: &str = "last-modified: Wed, 21 Oct 2026 07:28:00 GMT\r\netag: \"a\"\r\n";
const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code><Message>later</Message></Error>";
const CUT_OFF: &str =
    "<ListBucketResult><Name>backups</Name><IsTruncated>true</IsTruncated></ListBucketResult>";
const FIRST_PAGE: &str = "<ListBucketResult><Name>backups</Name><IsTruncated>true</IsTruncated>\
    <NextContinuationToken>t</NextContinuationToken><Contents><Key>demo/a</Key><Size>1</Size>\
    <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>";
const LAST_PAGE: &str = "<ListBucketResult><Name>backups</Name><IsTruncated>false</IsTruncated>\
    <Contents><Key>demo/b</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>\
    </ListBucketResult>";
const ELSEWHERE: &str = "<ListBucketResult><Name>backups</Name><IsTruncated>false</IsTruncated>\
    <Contents><Key>other/b</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>\
    </ListBucketResult>";

async fn server(answers: &'static [Answer]) -> (Canned, Arc<dyn ObjectStore>) {
    let server = Canned::new(answers).await;
    let store = store(&server.endpoint, BUCKET, (ACCESS_KEY, SECRET_KEY));
    (server, store)
}

async fn put(store: &dyn ObjectStore, condition: Condition) -> Result<(), Error> {
    store.put("a", Bytes::from_static(b"mine"), content_type::BINARY, condition).await
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let (server, store) = server(&[
        Http(503, "", SLOW_DOWN),
        Nothing,
        Http(500, "", ""),
        Half("x"),
        Http(200, DATES, "content"),
    ])
    .await;
    assert_eq!(store.get("a").await.unwrap().content, "content");
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn what_does_not_pass_is_told_at_once() {
    for answer in [
        &[Http(403, "", "")][..],
        &[Http(400, "", "<Error><Code>InvalidArgument</Code></Error>")],
        &[Http(501, "", "")],
    ] {
        let (server, store) = server(answer).await;
        assert!(!store.get("a").await.unwrap_err().permanence().is_temporary());
        assert!(put(store.as_ref(), Condition::Always).await.is_err());
        assert!(store.delete("a").await.is_err());
        assert!(store.list("").await.is_err());
        assert!(store.head("a").await.is_err());
        assert_eq!(server.requests(), 5);
    }
}

#[tokio::test]
async fn a_listing_that_fails_anywhere_is_an_error() {
    for answers in [
        &[Http(403, "", "")][..],
        &[Http(404, "", "")],
        &[Http(503, "", "")],
        &[Http(200, "", "")],
        &[Http(200, "", "<html>captive portal</html>")],
        &[Http(200, "", "<ListBucketResult><Name>backups</Name><IsTruncated>tr")],
        &[Http(200, "", CUT_OFF)],
        &[Http(200, "", ELSEWHERE)],
        &[Http(200, "", FIRST_PAGE), Http(403, "", "")],
        &[Http(200, "", FIRST_PAGE), Http(503, "", "")],
        &[Http(200, "", FIRST_PAGE), Http(200, "", CUT_OFF)],
        &[Http(200, "", FIRST_PAGE), Nothing],
        &[Http(200, "", FIRST_PAGE)],
    ] {
        let (_server, store) = server(answers).await;
        let error = store.list("").await;
        assert!(error.is_err(), "{error:?}");
    }
    let (_server, store) =
        server(&[Http(200, "", FIRST_PAGE), Http(503, "", ""), Http(200, "", LAST_PAGE)]).await;
    let keys: Vec<String> = store.list("").await.unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(keys, ["a", "b"]);
}

#[tokio::test]
async fn a_write_that_arrived_although_its_answer_did_not_is_ours() {
    let (_server, store) = server(&[Nothing, Http(412, "", ""), Http(200, DATES, "mine")]).await;
    put(store.as_ref(), Condition::Absent).await.unwrap();
    let (_server, store) = server(&[Nothing, Http(412, "", ""), Http(200, DATES, "theirs")]).await;
    let error = put(store.as_ref(), Condition::Absent).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    // At the first try there is no doubt: somebody else was faster, whatever is there.
    let (server, store) = server(&[Http(412, "", ""), Http(200, DATES, "mine")]).await;
    assert!(put(store.as_ref(), Condition::Absent).await.unwrap_err().is_lost_race());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn two_writers_that_the_server_cannot_tell_apart_try_again() {
    const CONFLICT: &str = "<Error><Code>ConditionalRequestConflict</Code></Error>";
    let (server, store) = server(&[Http(409, "", CONFLICT), Http(200, "", "")]).await;
    put(store.as_ref(), Condition::Absent).await.unwrap();
    assert_eq!(server.requests(), 2);
}
