//! Logs of containers.

use futures::AsyncBufRead;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::core::Request;

use super::{Cluster, Error, asked};
use crate::object::Kind;

impl Cluster {
    /// The log of a container as it is written. The limit holds for its beginning only.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        params: &LogParams,
    ) -> Result<impl AsyncBufRead + use<>, Error> {
        let kind = Kind { plural: "pods/log".into(), ..Kind::of::<Pod>() };
        let asked = asked("get", &kind, Some(namespace), Some(pod));
        let refused = |source: kube::Error| Error::Refused {
            asked: asked.clone(),
            context: self.context.clone(),
            source: Box::new(source),
        };
        let request = Request::new(Kind::of::<Pod>().path(Some(namespace))).logs(pod, params);
        let request = request.map_err(|error| refused(kube::Error::BuildRequest(error)))?;
        let opened = self.client.request_stream(request);
        let stream = match self.limit {
            None => opened.await,
            Some(limit) => tokio::time::timeout(limit, opened).await.map_err(|_| Error::NoAnswer {
                asked: asked.clone(),
                context: self.context.clone(),
                limit,
            })?,
        };
        stream.map_err(refused)
    }
}
