//! Whether anything was written in a cluster: what a person is told whose Ctrl-C ends a command early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Method, Request};
use kube::client::Body;
use tower::util::MapRequestLayer;

/// Notes the first request that may change something. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<AtomicBool>);

impl Written {
    /// Whether a request was sent that may have changed something.
    #[must_use]
    pub fn anything(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Looks at every request of a client that is built with it.
    #[must_use]
    pub fn layer(
        &self,
    ) -> MapRequestLayer<impl Fn(Request<Body>) -> Request<Body> + Clone + Send + Sync + use<>> {
        let written = self.0.clone();
        MapRequestLayer::new(move |request: Request<Body>| {
            if may_change(&request) {
                written.store(true, Ordering::Relaxed);
            }
            request
        })
    }
}

/// Whether this request may leave something behind: it is no read, no dry run and no question. A DELETE whose dry run is
/// said in its body alone counts.
fn may_change<B>(request: &Request<B>) -> bool {
    const QUESTIONS: [&str; 2] = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"];
    let uri = request.uri();
    let is_dry = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "dryRun=All"));
    let is_question = QUESTIONS.iter().any(|group| uri.path().starts_with(group));
    *request.method() != Method::GET && !is_dry && !is_question
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_something_behind_counts() {
        for (method, uri, changes) in [
            ("GET", "/api/v1/namespaces/shop/secrets?limit=500", false),
            ("POST", "/api/v1/namespaces/shop/secrets?fieldManager=x", true),
            ("POST", "/api/v1/namespaces/shop/secrets?fieldManager=x&dryRun=All", false),
            ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All", false),
            ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", true),
            ("DELETE", "/api/v1/namespaces/shop/secrets/a", true),
            ("DELETE", "/api/v1/namespaces/shop/secrets/a?dryRun=All", false),
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", false),
            ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", false),
        ] {
            let request = Request::builder().method(method).uri(uri).body(()).unwrap();
            assert_eq!(may_change(&request), changes, "{method} {uri}");
        }
    }
}
