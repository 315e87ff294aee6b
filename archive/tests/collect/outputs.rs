//! Who takes the files, and what happens when nobody does.

use std::sync::Arc;
use std::time::Duration;

use archive::collect::{Error, Limits, Output, collect};
use archive::entry::Batch;
use archive::progress::Progress;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::server::{Fault, Server, Type};
use crate::support::{cluster, everything, files, limits};

fn output(capacity: usize) -> (Output, mpsc::Receiver<Batch>) {
    let (entries, receiver) = mpsc::channel(capacity);
    (Output { entries, progress: Arc::new(Progress::new()) }, receiver)
}

async fn drain(mut receiver: mpsc::Receiver<Batch>) -> Vec<String> {
    let mut paths = Vec::new();
    while let Some(batch) = receiver.recv().await {
        paths.extend(batch.iter().map(|entry| entry.path.clone()));
    }
    paths
}

#[tokio::test]
async fn every_output_gets_every_file_and_the_same_total() {
    let ((first, first_receiver), (second, second_receiver)) = (output(1), output(100));
    let progress = [Arc::clone(&first.progress), Arc::clone(&second.progress)];
    let (plan, limits, cancel) = (everything(), limits(), CancellationToken::new());
    let server = Server::new(cluster());
    let (report, one, two) = tokio::join!(
        collect(server.client(), &plan, &limits, vec![first, second], &cancel),
        drain(first_receiver),
        drain(second_receiver)
    );
    assert_eq!(one, files(&cluster()));
    assert_eq!(one, two);
    for progress in progress {
        assert_eq!(progress.total_objects(), Some(report.as_ref().unwrap().objects));
    }
}

#[tokio::test]
async fn an_output_that_gives_up_stops_no_other() {
    let ((first, mut first_receiver), (second, second_receiver)) = (output(1), output(1));
    let (plan, limits, cancel) = (everything(), limits(), CancellationToken::new());
    let give_up = async move {
        first_receiver.recv().await;
        drop(first_receiver);
    };
    let server = Server::new(cluster());
    let (report, (), kept) = tokio::join!(
        collect(server.client(), &plan, &limits, vec![first, second], &cancel),
        give_up,
        drain(second_receiver)
    );
    assert!(report.unwrap().is_complete());
    assert_eq!(kept, files(&cluster()));
}

#[tokio::test]
async fn nobody_left_means_stop() {
    let (output, receiver) = output(1);
    drop(receiver);
    let (plan, limits, cancel) = (everything(), limits(), CancellationToken::new());
    let server = Server::new(cluster());
    let error = collect(server.client(), &plan, &limits, vec![output], &cancel).await.unwrap_err();
    assert!(matches!(error, Error::Abandoned), "{error}");
}

#[tokio::test]
async fn a_cancelled_collection_ends_at_once_also_while_a_server_is_silent() {
    let (output, receiver) = output(1);
    let cancel = CancellationToken::new();
    let server = Server::failing(cluster(), |_, _| Some(Fault::Silence));
    let (plan, limits) = (everything(), Limits::default());
    let cancelling = async {
        while server.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (report, (), kept) = tokio::join!(
        collect(server.client(), &plan, &limits, vec![output], &cancel),
        cancelling,
        drain(receiver)
    );
    assert!(matches!(report, Err(Error::Cancelled)));
    assert!(kept.is_empty());
}

/// Twenty types of 400 objects.
fn large() -> Vec<Type> {
    let plurals: [&'static str; 20] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];
    plurals
        .into_iter()
        .map(|plural| {
            let mut of = Type::new("example.com", plural, "Thing", false);
            for number in 0..400 {
                of.object("", &format!("{number:03}"), &serde_json::json!({}));
            }
            of
        })
        .collect()
}

#[tokio::test]
async fn while_nobody_reads_little_is_fetched_and_no_deadline_passes() {
    let (output, mut receiver) = output(1);
    let (plan, limits, cancel) = (everything(), limits(), CancellationToken::new());
    let server = Server::new(large());
    let read_late = async {
        let mut paths = receiver.recv().await.unwrap().len();
        // Longer than a request may take.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let lists = server.calls().into_iter().filter(|call| call.limit > 1).count();
        while let Some(batch) = receiver.recv().await {
            paths += batch.len();
        }
        (lists, paths)
    };
    let (report, (lists, paths)) =
        tokio::join!(collect(server.client(), &plan, &limits, vec![output], &cancel), read_late);
    assert!(report.unwrap().is_complete());
    assert_eq!(paths, 20 * 400);
    // The list of namespaces, and per type in work: four batches ready, one in hand, one on its way.
    assert!(lists <= 1 + limits.types * 7, "{lists} pages were fetched");
}

#[tokio::test]
async fn the_total_is_known_long_before_the_end() {
    let (output, mut receiver) = output(1);
    let progress = Arc::clone(&output.progress);
    let (plan, limits, cancel) = (everything(), limits(), CancellationToken::new());
    let server = Server::new(large());
    let watch = async {
        let mut read = 0;
        while progress.total_objects().is_none() {
            read += receiver.recv().await.unwrap().len();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        while receiver.recv().await.is_some() {}
        read
    };
    let (report, read) = tokio::join!(collect(server.client(), &plan, &limits, vec![output], &cancel), watch);
    assert_eq!(progress.total_objects(), Some(report.unwrap().objects));
    assert!(read < 4000, "{read} of 8000 objects were through");
}
