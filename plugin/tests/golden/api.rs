//! An API server that answers what it was told to: enough of HTTP for one client.
//!
//! The file is a JSON object. A key is `METHOD path` without the query, its value `{"status": 200, "body": {...}}` or
//! just the body; a list of them is given out one after the other, the last one from then on. `WATCH path` is a list of
//! watch events, sent after the list of the same path. What is not there is answered with 404. `$SERVER` is its own address:
//! it can be the object store as well.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub struct Server {
    address: String,
    sent: Arc<Mutex<Vec<String>>>,
}

struct Request {
    method: String,
    path: String,
    query: String,
    body: String,
}

impl Server {
    /// Answers as the file says, on a port of its own.
    pub fn start(answers: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        // An operator of the very version of this plugin, and a bucket on this very server.
        let text = fs::read_to_string(answers).unwrap().replace("$VERSION", env!("CARGO_PKG_VERSION"));
        let answers: BTreeMap<String, Value> =
            serde_json::from_str(&text.replace("$SERVER", &address)).unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (answers, log) = (Arc::new(Mutex::new(answers)), Arc::clone(&sent));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                std::thread::spawn(move || serve(connection, &answers, &log));
            }
        });
        Self { address, sent }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// What was written to the server, in order; Secrets without their values.
    pub fn sent(&self) -> String {
        let sent = self.sent.lock().unwrap();
        if sent.is_empty() { String::new() } else { format!("--- written\n{}\n", sent.join("\n")) }
    }
}

fn serve(
    mut connection: TcpStream,
    answers: &Mutex<BTreeMap<String, Value>>,
    log: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    while let Some(request) = read(&mut reader) {
        if request.method != "GET" && !request.path.contains("subjectaccessreviews") {
            log.lock().unwrap().push(noted(&request));
        }
        if request.query.contains("watch=") {
            return watch(connection, &request, answers);
        }
        let (status, body) = answer(&request, &mut answers.lock().unwrap());
        // A text is sent as it is: a log.
        let body = match body {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let head = format!(
            "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             last-modified: Sun, 22 Nov 2026 14:00:00 GMT\r\n\r\n",
            body.len()
        );
        connection.write_all(format!("{head}{body}").as_bytes()).ok()?;
    }
    None
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        body: String::from_utf8(body).ok()?,
    })
}

/// A write, as one line: what and where; of a dry run, that it is one.
fn noted(request: &Request) -> String {
    // A deletion says so in its body.
    let is_dry = request.query.contains("dryRun=All") || request.body.contains(r#""dryRun":["All"]"#);
    let dry = if is_dry { " (dry run)" } else { "" };
    format!("{} {}{dry}", request.method, request.path)
}

fn answer(request: &Request, answers: &mut BTreeMap<String, Value>) -> (u64, Value) {
    let key = format!("{} {}", request.method, request.path);
    let found = match answers.get_mut(&key) {
        Some(Value::Array(several)) if several.len() > 1 => Some(several.remove(0)),
        Some(Value::Array(several)) => several.first().cloned(),
        Some(one) => Some(one.clone()),
        None => None,
    };
    match found {
        Some(answer) if answer.get("status").is_some_and(Value::is_u64) => {
            (answer["status"].as_u64().unwrap(), answer["body"].clone())
        }
        Some(body) => (200, body),
        // A review says yes, and a write is answered with what was written, unless the file says otherwise.
        None if request.path.ends_with("selfsubjectaccessreviews") => {
            (201, json!({"spec": {}, "status": {"allowed": true}}))
        }
        None if request.method != "GET" => (200, serde_json::from_str(&request.body).unwrap_or_default()),
        None => {
            let message = format!("{} not found", request.path);
            (
                404,
                json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": message}),
            )
        }
    }
}

/// Sends the events and keeps the connection, as a server does.
fn watch(
    mut connection: TcpStream,
    request: &Request,
    answers: &Mutex<BTreeMap<String, Value>>,
) -> Option<()> {
    let events =
        answers.lock().unwrap().get(&format!("WATCH {}", request.path)).cloned().unwrap_or(json!([]));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write_all(head.as_bytes()).ok()?;
    for event in events.as_array()? {
        let line = format!("{event}\n");
        connection.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).ok()?;
    }
    // Until the client hangs up.
    let mut rest = [0; 64];
    while connection.read(&mut rest).ok()? > 0 {}
    None
}
