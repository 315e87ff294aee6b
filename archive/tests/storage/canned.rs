//! A server that answers what it is told to, for what a real one does only on a bad day.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One answer, to one request on one connection.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Status, further headers and body.
    Http(u16, &'static str, &'static str),
    /// The connection is closed once the request was read.
    Nothing,
    /// Half of the announced body, then the connection is closed.
    Half(&'static str),
}

/// Answers in order, the last one again and again.
pub struct Canned {
    pub endpoint: String,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Canned {
    pub async fn new(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                read_request(&mut connection).await;
                answer(&mut connection, answers[number]).await;
            }
        });
        Self { endpoint, requests, task }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Reads head and body of a request, so that the client sees the answer and not a reset.
async fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if request.len() >= end + 4 + length {
                return;
            }
        }
        match connection.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}

async fn answer(connection: &mut TcpStream, answer: Answer) {
    let text = match answer {
        Answer::Nothing => return,
        Answer::Http(status, headers, body) => {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            )
        }
        Answer::Half(body) => {
            let length = body.len() * 2;
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        }
    };
    // A client that has gone is none of this server's business.
    let _ = connection.write_all(text.as_bytes()).await;
    let _ = connection.shutdown().await;
}
