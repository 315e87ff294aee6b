//! `docs/tour.md`, typed on a real cluster: every command of it, and what came back as the page has it but for names,
//! times and sizes. `BLESS=1` writes what came back into the page.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use tokio::process::Command;

use crate::given;

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tour.md")
}

/// What things are called on the page, and here.
struct Names {
    /// In what is typed.
    typed: [(&'static str, String); 5],
    /// In what comes back.
    told: [(&'static str, String); 4],
}

impl Names {
    async fn of(cluster: &Cluster) -> Self {
        let environment = &cluster.environment;
        // The bucket keeps what earlier runs left.
        let prefix = format!("tour-{}", std::process::id());
        let current = cluster.kubectl(&["config", "current-context"], "").await.stdout;
        let server = ["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"];
        let server = cluster.kubectl(&server, "").await.stdout;
        let endpoint = ("http://minio.minio.svc:9000", environment.s3_endpoint.clone());
        Self {
            typed: [
                endpoint.clone(),
                ("localhost/kubestash:dev", environment.image.clone()),
                ("--bucket backups", format!("--bucket {}", environment.bucket)),
                ("--prefix bookshop", format!("--prefix {prefix}")),
                ("BACKUPKEY", environment.access_key.clone()),
            ],
            told: [
                endpoint,
                ("context production", format!("context {}", current.trim())),
                ("https://kubernetes.example.com:6443", server),
                ("backups/bookshop", format!("{}/{prefix}", environment.bucket)),
            ],
        }
    }

    fn real(&self, line: &str) -> String {
        self.typed.iter().fold(line.to_owned(), |line, (page, here)| line.replace(page, here))
    }

    fn shown(&self, text: &str) -> String {
        self.told.iter().fold(text.to_owned(), |text, (page, here)| text.replace(here, page))
    }
}

/// A piece of the page: text, or a command with what comes back.
#[derive(Debug)]
enum Piece {
    Text(String),
    Command { typed: String, answer: String },
}

/// Takes the page apart: within `console` blocks, a line that begins with `$ ` is typed, up to its end without a
/// backslash, and what follows came back.
fn pieces(page: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for line in page.split_inclusive('\n') {
        let begins = inside && line.starts_with("$ ");
        match pieces.last_mut() {
            _ if line.starts_with("```") => {
                inside = line.trim_end() == "```console";
                pieces.push(Piece::Text(line.to_owned()));
            }
            Some(Piece::Command { typed, .. }) if goes_on => typed.push_str(line),
            Some(Piece::Command { answer, .. }) if inside && !begins => answer.push_str(line),
            _ if begins => pieces.push(Piece::Command { typed: line.to_owned(), answer: String::new() }),
            Some(Piece::Text(text)) => text.push_str(line),
            _ => pieces.push(Piece::Text(line.to_owned())),
        }
        goes_on = inside && line.trim_end().ends_with('\\');
    }
    pieces
}

/// Types a line in a shell that finds `kubectl` and the plugin; both streams as a terminal shows them.
async fn answer(cluster: &Cluster, names: &Names, folder: &Path, typed: &str) -> String {
    let environment = &cluster.environment;
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(environment.binaries.clone()).chain(std::env::split_paths(&usual));
    let line = names.real(typed.strip_prefix("$ ").unwrap_or(typed));
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(folder)
        .env("KUBECONFIG", &environment.kubeconfig)
        .env("PATH", std::env::join_paths(folders).expect("a search path"))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("a shell");
    names.shown(&String::from_utf8_lossy(&output.stdout))
}

/// The lines that matter, without what differs each time: words with digits, and the widths of columns. Of a backup that
/// goes on, only the end is certain: how many stages are seen is a matter of moments.
fn told(text: &str) -> Vec<String> {
    let without_digits = |line: &str| {
        let differs = |word: &&str| word.chars().any(|one| one.is_ascii_digit()) || is_of_a_date(word);
        let words = line.split_whitespace().filter(|word| !differs(word));
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().filter(|line| !is_moment(line)).map(without_digits).filter(|line| !line.is_empty()).collect()
}

/// The name of a day or of a month. A month is told where it is another than before: on the page never, at its end.
fn is_of_a_date(word: &str) -> bool {
    const NAMES: [&str; 19] = [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
        "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    NAMES.contains(&word.trim_end_matches(','))
}

/// A line of plain progress: it begins with a time.
fn is_moment(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|word| word.parse::<jiff::Timestamp>().is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_tour_tells_what_comes_back() {
    let cluster = Cluster::connect().await;
    // The tour installs the operator: nobody else may have taken it away meanwhile.
    let _alone = given::the_operator_alone().await;
    let namespace = Namespace::named(&cluster, "bookshop").await;
    let names = Names::of(&cluster).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret-key"), &cluster.environment.secret_key).expect("a file");
    let text = std::fs::read_to_string(page()).expect("the page");
    let mut written = String::new();
    let mut wrong = Vec::new();
    for piece in pieces(&text) {
        match piece {
            Piece::Text(text) => written.push_str(&text),
            Piece::Command { typed, answer: expected } => {
                let came = answer(&cluster, &names, folder.path(), &typed).await;
                written.push_str(&typed);
                written.push_str(&came);
                if told(&came) != told(&expected) {
                    wrong.push(format!("{typed}{came}--- the page has\n{expected}"));
                }
            }
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(page(), written).expect("the page is written");
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    namespace.remove().await;
}
