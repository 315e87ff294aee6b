//! The floor: how fast the API server gives everything to a client that does nothing with it.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use kube::api::DynamicObject;
use kube::discovery::{Discovery, verbs};
use kube::{Client, Resource};
use serde::Deserialize;
use serde_json::value::RawValue;

const PAGE: usize = 500;
const PARALLEL: usize = 8;
const ROUNDS: usize = 3;

/// What a raw parallel LIST of everything took: the median of three rounds.
pub struct Floor {
    pub duration: Duration,
    pub objects: usize,
}

#[derive(Deserialize)]
struct Page<'a> {
    metadata: Metadata,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "continue", default)]
    token: String,
}

pub async fn measure(client: &Client) -> Floor {
    let urls = types(client).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(once(client, &urls).await);
    }
    rounds.sort_by_key(|round| round.duration);
    rounds.swap_remove(ROUNDS / 2)
}

async fn types(client: &Client) -> Vec<String> {
    let discovery = Discovery::new(client.clone()).run_aggregated().await.expect("discovery works");
    let mut urls = Vec::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            let can = |verb| capabilities.supports_operation(verb);
            if can(verbs::LIST) && can(verbs::GET) && can(verbs::CREATE) {
                urls.push(DynamicObject::url_path(&resource, None));
            }
        }
    }
    urls
}

async fn once(client: &Client, urls: &[String]) -> Floor {
    let began = Instant::now();
    let objects = stream::iter(urls)
        .map(|url| list(client, url))
        .buffer_unordered(PARALLEL)
        .fold(0, async |sum, one| sum + one)
        .await;
    Floor { duration: began.elapsed(), objects }
}

async fn list(client: &Client, url: &str) -> usize {
    let (mut objects, mut token) = (0, String::new());
    loop {
        let request = http::Request::get(format!("{url}?limit={PAGE}&continue={token}"));
        let request = request.body(Vec::new()).expect("a valid request");
        let text = client.request_text(request).await.expect("the API server lists");
        let page: Page = serde_json::from_str(&text).expect("a list");
        objects += page.items.len();
        if page.metadata.token.is_empty() {
            return objects;
        }
        token = page.metadata.token;
    }
}
