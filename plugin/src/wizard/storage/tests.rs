use super::*;

fn draft(flags: Flags) -> Draft {
    let facts = Facts {
        namespace: "shop".into(),
        context: "dev".into(),
        secrets: vec![("keys".into(), ["AWS_ACCESS_KEY_ID".into(), "AWS_SECRET_ACCESS_KEY".into()].into())],
        ..Facts::default()
    };
    Draft::new(flags, None, Arc::new(facts), None)
}

/// Gives the answers in turn; the steps that were asked.
fn walk(draft: &mut Draft, answers: Vec<Answer>) -> Vec<Step> {
    let mut asked = Vec::new();
    for answer in answers {
        let step = draft.next().unwrap();
        asked.push(step);
        draft.answer(step, answer).unwrap();
    }
    asked
}

fn text(text: &str) -> Answer {
    Answer::Text(text.into())
}

#[test]
fn an_s3_storage_with_a_new_key_is_seven_answers() {
    let mut draft = draft(Flags::default());
    let answers = vec![
        Answer::Choice(0),
        text("http://minio:9000"),
        text("My.Backups"),
        text("dev/shop"),
        Answer::Choice(1),
        text("ann"),
        Answer::Secret("s3cr3t".to_owned().into()),
    ];
    let asked = walk(&mut draft, answers);
    let all = [
        Step::Provider,
        Step::Endpoint,
        Step::Bucket,
        Step::Prefix,
        Step::Credentials,
        Step::KeyId,
        Step::SecretKey,
    ];
    assert_eq!(asked, all);
    assert_eq!(draft.next(), None);
    assert_eq!(draft.name.as_deref(), Some("my-backups"));
    assert_eq!(draft.flags.credentials.access_key_id.as_deref(), Some("ann"));
    assert!(!format!("{draft:?}").contains("s3cr3t"));
}

#[test]
fn a_secret_with_the_right_keys_is_offered_and_ends_the_questions() {
    let mut draft =
        draft(Flags { bucket: Some("b".into()), endpoint: Some("http://m".into()), ..Flags::default() });
    assert_eq!(walk(&mut draft, vec![Answer::Choice(0)]), [Step::Credentials]);
    assert_eq!(draft.flags.credentials.credentials_secret.as_deref(), Some("keys"));
    assert_eq!(draft.next(), None);
}

#[test]
fn a_key_that_does_not_open_the_bucket_is_entered_again() {
    let mut draft = draft(Flags { bucket: Some("b".into()), ..Flags::default() });
    let key = || vec![Answer::Choice(1), text("ann"), Answer::Secret("x".to_owned().into())];
    walk(&mut draft, key());
    draft.answer(Step::Check, Answer::Choice(0)).unwrap();
    assert_eq!(walk(&mut draft, key()), [Step::Credentials, Step::KeyId, Step::SecretKey]);
    assert_eq!(draft.flags.bucket.as_deref(), Some("b"));
}

#[test]
fn an_endpoint_is_a_url_and_an_empty_bucket_is_none() {
    let mut draft = draft(Flags::default());
    assert!(draft.answer(Step::Endpoint, text("minio:9000")).unwrap_err().contains("http://minio:9000"));
    assert!(draft.answer(Step::Bucket, text("")).is_err());
}

#[test]
fn a_place_that_another_storage_has_is_refused() {
    let storage: crds::storage::BackupStorage = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "minio", "namespace": "shop"},
        "spec": {"storage": {"provider": "s3", "s3": {"endpoint": "http://m", "bucket": "b", "prefix": "dev"}}},
    }))
    .unwrap();
    let facts = Facts { namespace: "shop".into(), storages: vec![storage], ..Facts::default() };
    let flags = Flags { bucket: Some("b".into()), endpoint: Some("http://m/".into()), ..Flags::default() };
    let with = |name: &str| Draft::new(flags.clone(), Some(name.into()), Arc::new(facts.clone()), None);
    let mut other = with("other");
    assert!(other.answer(Step::Prefix, text("/dev/")).unwrap_err().contains("shop/minio"));
    assert_eq!(other.flags.prefix, None);
    other.answer(Step::Prefix, text("dev/shop")).unwrap();
    with("minio").answer(Step::Prefix, text("dev")).unwrap();
}
