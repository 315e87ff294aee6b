//! The CronJob fires by itself.

use harness::cluster::Cluster;
use harness::namespace::Namespace;

use crate::given;

#[tokio::test(flavor = "multi_thread")]
async fn the_cron_job_makes_a_backup_at_its_slot_and_nobody_triggered_it() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "schedule").await;
    namespace.apply(given::STORAGE).await;
    namespace.apply(&given::NAMESPACE_BACKUP.replace("17 2 31 12 *", "* * * * *")).await;
    given::a_reader_of_the_cluster(&namespace).await;

    let initial = given::session_completed(&namespace, "orders", &[]).await;
    let known = vec![initial.metadata.name.clone().expect("a name")];
    let by_the_clock = given::session_completed(&namespace, "orders", &known).await;

    let phase =
        by_the_clock.status.as_ref().and_then(|status| status.phase.as_ref()).map(ToString::to_string);
    assert_eq!(phase.as_deref(), Some("Succeeded"), "{by_the_clock:#?}");
    let name = by_the_clock.metadata.name.as_deref().unwrap_or_default();
    let slot = crds::name::epoch_of(name).expect("the name ends in the slot");
    assert_eq!(slot % 60, 0, "{name} is not named after a minute of the schedule");
    namespace.remove().await;
}
