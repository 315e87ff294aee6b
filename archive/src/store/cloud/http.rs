//! An HTTP client for the crate object_store: hyper, which kube brings anyway, with the certificates that we choose.
//!
//! An answer that is no success is returned as an error that carries status and body: object_store would digest it into
//! words of its own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{self, Poll};

use ::http::Uri;
use async_trait::async_trait;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

/// A refusal, on its way through object_store.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The document that came with it.
    pub body: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HTTP {}", self.status)
    }
}

impl std::error::Error for Refused {}

/// A client that trusts the public authorities and those given.
#[derive(Clone)]
pub struct Connector(Client<HttpsConnector<Dial>, HttpRequestBody>);

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}

impl Connector {
    /// `authorities` are certificates in PEM; an error says what is wrong with them. With `address`, every server is taken
    /// to be there, and proves by its certificate that it is the one that was meant.
    pub fn new(authorities: Option<&[u8]>, address: Option<SocketAddr>) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(pem) = authorities {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
            if roots.len() == before {
                return Err("it holds no certificate in PEM".to_owned());
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        let connector = builder.wrap_connector(Dial::to(address));
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }
}

/// Makes connections: to where a name leads, or always to one address.
#[derive(Clone)]
struct Dial {
    by_name: HttpConnector,
    address: Option<SocketAddr>,
}

impl Dial {
    fn to(address: Option<SocketAddr>) -> Self {
        let mut by_name = HttpConnector::new();
        // TLS comes on top.
        by_name.enforce_http(false);
        Self { by_name, address }
    }
}

impl tower::Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.by_name.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        if let Some(address) = self.address {
            return Box::pin(async move { Ok(TokioIo::new(TcpStream::connect(address).await?)) });
        }
        let connecting = self.by_name.call(server);
        Box::pin(async move { connecting.await.map_err(Into::into) })
    }
}

impl object_store::client::HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let failed = |error| HttpError::new(HttpErrorKind::Unknown, error);
        let response = self.0.request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error));
        if head.status.is_success() {
            return Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)));
        }
        let text = body.collect().await?.to_bytes();
        let body = String::from_utf8_lossy(&text).into_owned();
        Err(HttpError::new(HttpErrorKind::Unknown, Refused { status: head.status.as_u16(), body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_that_are_none_are_refused() {
        assert!(Connector::new(None, None).is_ok());
        assert_eq!(Connector::new(Some(b"not PEM"), None).unwrap_err(), "it holds no certificate in PEM");
        let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(Connector::new(Some(pem), None).is_err());
    }
}
