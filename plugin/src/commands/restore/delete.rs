//! `restore delete`: what happens when a restore goes.

use crds::core::RestoreSession;

use crate::cluster::Cluster;
use crate::commands::removal::{Deletable, Doomed};
use crate::failure::Failure;
use crate::progress::restore;

impl Deletable for RestoreSession {
    async fn doomed(chosen: &[Self], _: &Cluster, _: &str) -> Result<Vec<Doomed>, Failure> {
        chosen.iter().map(|session| Doomed::of(session, fate(session))).collect()
    }
}

fn fate(session: &RestoreSession) -> Vec<String> {
    let mut fate = Vec::new();
    if !restore::is_over(session) {
        fate.push(
            "it goes on: it is broken off; what it brought back stays, and a new restore makes the rest"
                .to_owned(),
        );
    }
    if session.status.as_ref().is_some_and(|status| !status.paused_backups.is_empty()) {
        fate.push("the backups that it paused are resumed".to_owned());
    }
    if fate.is_empty() {
        fate.push("what it brought back stays".to_owned());
    }
    fate
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_goes_on_is_broken_off_and_what_is_over_only_forgotten() {
        let told = |status: serde_json::Value| {
            let session: RestoreSession =
                serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {}, "status": status}))
                    .unwrap();
            fate(&session).join("; ")
        };
        assert!(told(json!({"phase": "Running"})).contains("broken off"));
        assert_eq!(told(json!({"phase": "Succeeded"})), "what it brought back stays");
        assert!(told(json!({"phase": "Running", "pausedBackups": [{"name": "shop"}]})).contains("resumed"));
    }
}
