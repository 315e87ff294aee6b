//! Bytes between the standard streams and a server, as they are: by an exec of this in the operator's pod, the plugin reaches
//! a bucket that only pods reach. TLS is between the plugin and the server, so that nothing is readable here that is not
//! readable on the wire.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a server may take to accept the connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to `server`, a host and a port, and unless it is `only_connecting` passes on what comes until the server has
/// said all.
///
/// # Errors
///
/// When the server cannot be reached, or either side breaks off.
pub async fn run(server: &str, only_connecting: bool) -> io::Result<()> {
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(server)).await;
    let server = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if only_connecting {
        return Ok(());
    }
    server.set_nodelay(true)?;
    pass_on(server, (tokio::io::stdin(), tokio::io::stdout())).await
}

/// Who has asked all is still answered; a server that has answered all is asked nothing more.
async fn pass_on(
    mut server: TcpStream,
    (mut asked, mut answered): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let (mut answers, mut questions) = server.split();
    let up = async {
        tokio::io::copy(&mut asked, &mut questions).await?;
        questions.shutdown().await?;
        std::future::pending().await
    };
    let down = async {
        tokio::io::copy(&mut answers, &mut answered).await?;
        answered.shutdown().await
    };
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_is_asked_to_its_end_is_answered_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let answering = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut asked = String::new();
            connection.read_to_string(&mut asked).await.unwrap();
            connection.write_all(asked.to_uppercase().as_bytes()).await.unwrap();
        });
        let mut answered = Cursor::new(Vec::new());
        pass_on(server, (&b"a question"[..], &mut answered)).await.unwrap();
        answering.await.unwrap();
        assert_eq!(answered.into_inner(), b"A QUESTION");
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(run(&address, true).await.is_ok());
        drop(listener);
        assert!(run(&address, true).await.is_err());
    }
}
