//! A real S3 server on loopback, for one test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::access::Access;
use archive::location::{Location, S3};
use archive::store::{ObjectStore, Patience, Result, connect_with};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::tools::{Restic, find};

pub const ACCESS_KEY: &str = "kubestash";
pub const SECRET_KEY: &str = "kubestash-secret";
pub const BUCKET: &str = "backups";
/// What the server's certificate calls it, and no name server knows.
pub const NAME: &str = "s3.internal.example.com";

/// versitygw over a folder; it ends with the value.
pub struct Server {
    child: Child,
    folder: TempDir,
    pub address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server; `None` where the program is missing.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with a certificate of its own; returns that too, in PEM.
    pub fn start_with_tls() -> Option<(Self, String)> {
        let folder = tempfile::tempdir().unwrap();
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), NAME.to_owned()]).unwrap();
        let files = ["certificate", "key"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], cert.pem()).unwrap();
        std::fs::write(&files[1], signing_key.serialize_pem()).unwrap();
        let [certificate, key] = files.map(|file| file.display().to_string());
        let server = Self::start_with(&["--cert", &certificate, "--key", &key])?;
        Some((server, cert.pem()))
    }

    fn start_with(options: &[&str]) -> Option<Self> {
        let [program] = find(["versitygw"])?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let address = free_address();
        let mut command = Command::new(program);
        command.args(["--quiet", "--keep-alive", "--port", &address.to_string()]).args(options);
        command.arg("posix").arg(folder.path());
        command.env("ROOT_ACCESS_KEY", ACCESS_KEY).env("ROOT_SECRET_KEY", SECRET_KEY);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, folder, address };
        server.wait();
        Some(server)
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "versitygw does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn tls_endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What the bucket holds, as files.
    pub fn folder(&self, path: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(path)
    }

    /// The storage with prefix `demo`.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        store(&self.endpoint(), BUCKET, (ACCESS_KEY, SECRET_KEY))
    }

    /// restic on the repository at `path` below the prefix `demo`.
    pub fn restic(&self, program: &Path, path: &str) -> Restic {
        Restic {
            program: program.to_owned(),
            repository: format!("s3:{}/{BUCKET}/demo/{path}", self.endpoint()),
            environment: vec![
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ],
        }
    }
}

/// A store that gives up soon.
pub fn store(endpoint: &str, bucket: &str, keys: (&str, &str)) -> Arc<dyn ObjectStore> {
    connect(S3::new(endpoint, bucket, "demo", ""), keys, None).unwrap()
}

/// With a certificate authority, if one is given.
pub fn access((access_key, secret_key): (&str, &str), certificate_authority: Option<&str>) -> Access {
    Access::S3 {
        access_key_id: access_key.to_owned(),
        secret_access_key: Zeroizing::new(secret_key.to_owned()),
        certificate_authority: certificate_authority.map(|pem| pem.as_bytes().to_vec()),
    }
}

/// Connects, with a certificate authority if one is given; gives up soon.
pub fn connect(
    location: S3,
    keys: (&str, &str),
    certificate_authority: Option<&str>,
) -> Result<Arc<dyn ObjectStore>> {
    let patience = Patience {
        attempt: Duration::from_secs(2),
        total: Duration::from_secs(3),
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(200),
    };
    connect_with(&Location::S3(location), &access(keys, certificate_authority), patience)
}

/// An address of loopback that nobody listens on.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
