//! Commands in pods.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::ResourceExt;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Cluster, Error};

/// What is kept of a command's output: its last characters, where it says what went wrong.
const KEPT: usize = 400;

impl Cluster {
    /// Executes `command` in a container. The inner error is the command's own: its exit code and the end of what it
    /// wrote. Takes as long as the command does; dropping the future does not end the command.
    pub async fn execute(
        &self,
        pod: &Pod,
        container: &str,
        command: &[String],
    ) -> Result<Result<(), String>, Error> {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let action = format!("execute a command in Pod \"{namespace}/{name}\"");
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        let parameters = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
        let attached = api.exec(&name, command, &parameters).await;
        let mut process = attached.map_err(|error| Error::from_kube(&action, error))?;
        let (output, errors) = (process.stdout(), process.stderr());
        let status = process.take_status();
        let (output, errors) = futures::join!(tail(output), tail(errors));
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        Ok(judged(status, if errors.is_empty() { &output } else { &errors }))
    }
}

fn judged(status: Option<Status>, output: &str) -> Result<(), String> {
    let Some(status) = status else { return Err("the connection to it was lost".to_owned()) };
    if status.status.as_deref() == Some("Success") {
        return Ok(());
    }
    let message = status.message.unwrap_or_else(|| "it failed".to_owned());
    Err(if output.is_empty() { message } else { format!("{message}: {output}") })
}

/// The end of what a stream gives.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut kept, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut part).await {
        kept.extend_from_slice(&part[..length]);
        let superfluous = kept.len().saturating_sub(KEPT);
        kept.drain(..superfluous);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_long_output_is_kept() {
        let long = format!("{}the end\n", "x".repeat(9000));
        let kept = tail(Some(long.as_bytes())).await;
        assert!(kept.ends_with("the end") && kept.len() <= KEPT, "{kept}");
    }

    #[test]
    fn a_command_that_fails_says_how() {
        let status = |status: &str, message: &str| {
            Some(Status {
                status: Some(status.to_owned()),
                message: Some(message.to_owned()),
                ..Status::default()
            })
        };
        let failed = "command terminated with non-zero exit code: exit status 3";
        for (status, output, expected) in [
            (status("Success", ""), "fine", Ok(())),
            (status("Failure", failed), "", Err(failed.to_owned())),
            (status("Failure", failed), "no such table", Err(format!("{failed}: no such table"))),
            (None, "", Err("the connection to it was lost".to_owned())),
        ] {
            assert_eq!(judged(status, output), expected);
        }
    }
}
