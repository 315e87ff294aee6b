//! A list of one type, page by page, through everything that can happen to it.
//!
//! - Its continue token expires (410): the list is begun anew. What was handed out cannot be taken back, so its
//!   consumer skips what it has seen ([`Part::again`]); an object that came meanwhile and sorts before that point
//!   belongs to the next backup. The token for an inconsistent continuation that the server offers is not used.
//! - A version fails (a conversion webhook is down): the list is begun anew in the next version that is served.
//! - It is forbidden: no other version would help.
//! - It is gone (404): a type that was deleted while we read is no gap.

use bytes::Bytes;

use super::page::{Page, PageSize};
use super::report::{Cause, Gap};
use super::work::off_the_loop;
use crate::api::{self, Api, encoded};
use crate::discovery::{ResourceType, Served, is_served};

/// How often a list is begun at most because it expired.
const MOST_BEGINNINGS: u32 = 6;

/// Lists of which each item has `metadata` and nothing else.
pub const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// What a list is of.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The type.
    pub of: &'a ResourceType,
    /// One namespace, or all.
    pub namespace: Option<&'a str>,
    /// A label selector, applied by the server.
    pub selector: Option<&'a str>,
    /// The form of the answer: [`api::JSON`] or [`METADATA`].
    pub accept: &'static str,
}

/// Some objects of the list.
pub struct Part {
    /// Their JSON.
    pub items: Vec<Bytes>,
    /// The version they are in.
    pub served: Served,
    /// The list has been begun anew with this part: what was handed out before comes again.
    pub again: bool,
    /// Of the first part: how many objects the list has, as far as the server tells.
    pub total: Option<u64>,
}

/// What a list gives next.
pub enum Next {
    /// Objects.
    Part(Part),
    /// Nothing more.
    End,
    /// Nothing more, because the type has been deleted.
    Gone,
    /// Nothing more, and something is missing.
    Broken(Gap),
}

/// A list that is being read.
pub struct Listing<'a> {
    api: &'a Api,
    query: Query<'a>,
    size: PageSize,
    version: usize,
    state: State,
    begun: u32,
    handed_out: bool,
    failures: Vec<(String, api::Error)>,
}

enum State {
    Begin,
    Continue(String),
    End,
}

impl<'a> Listing<'a> {
    /// Nothing is asked yet. Pages have about `page_bytes`.
    pub fn new(api: &'a Api, query: Query<'a>, page_bytes: usize) -> Self {
        Self {
            api,
            query,
            size: PageSize::new(page_bytes),
            version: 0,
            state: State::Begin,
            begun: 0,
            handed_out: false,
            failures: Vec::new(),
        }
    }

    /// As [`Listing::new`], with a first page of one object.
    pub fn of_one_object(api: &'a Api, query: Query<'a>, page_bytes: usize) -> Self {
        Self { size: PageSize::one(), ..Self::new(api, query, page_bytes) }
    }

    /// The versions that failed, each with its error. Of interest when the list was read all the same.
    pub fn failures(&self) -> &[(String, api::Error)] {
        &self.failures
    }

    /// Whether the list was read to its end.
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// The next objects.
    pub async fn next(&mut self) -> Next {
        loop {
            let Some(served) = self.query.of.versions.get(self.version).cloned() else {
                return self.give_up().await;
            };
            let token = match &self.state {
                State::End => return Next::End,
                State::Begin => None,
                State::Continue(token) => Some(token.clone()),
            };
            if token.is_none() {
                self.begun += 1;
            }
            match self.fetch(&served, token.as_deref()).await {
                Ok(page) => return Next::Part(self.accept(page, served, token.is_none())),
                Err(error) if error.is_forbidden() => return Next::Broken(self.forbidden(&error)),
                Err(error) if error.is_expired() && token.is_some() => {
                    if self.begun >= MOST_BEGINNINGS {
                        return Next::Broken(self.gap(Cause::Expired { times: self.begun }));
                    }
                    self.state = State::Begin;
                }
                Err(error) => {
                    self.failures.push((served.version, error));
                    self.version += 1;
                    self.state = State::Begin;
                }
            }
        }
    }

    async fn fetch(&self, served: &Served, token: Option<&str>) -> Result<Page, api::Error> {
        let collection = self.query.of.collection(served, self.query.namespace);
        let option = |name: &str, value: Option<&str>| {
            value.map(|value| format!("&{name}={}", encoded(value))).unwrap_or_default()
        };
        let selector = option("labelSelector", self.query.selector);
        let token = option("continue", token);
        let path = format!("{collection}?limit={}{selector}{token}", self.size.limit());
        let answer = self.api.get(&path, self.query.accept).await?;
        off_the_loop(answer.len(), move || Page::read(&answer))
            .await
            .map_err(|error| api::Error::Garbled { message: error.to_string() })?
            .map_err(|error| api::Error::garbled(&error))
    }

    fn accept(&mut self, page: Page, served: Served, begins: bool) -> Part {
        self.size.learn(&page);
        let total = (begins && !self.handed_out).then(|| page.items.len() as u64 + page.remaining);
        let again = begins && self.handed_out;
        self.handed_out = true;
        self.state = page.next.map_or(State::End, State::Continue);
        Part { items: page.items, served, again, total }
    }

    /// All versions have failed.
    async fn give_up(&mut self) -> Next {
        let absent = self.failures.iter().all(|(_, error)| error.is_absent());
        if absent && matches!(is_served(self.api, self.query.of).await, Ok(false)) {
            return Next::Gone;
        }
        Next::Broken(self.gap(Cause::Unreadable { attempts: self.failures.clone() }))
    }

    /// An object of this list that cannot be understood.
    pub fn object_gap(&self, message: String) -> Gap {
        self.gap(Cause::Object { message })
    }

    fn forbidden(&self, error: &api::Error) -> Gap {
        forbidden("list", self.query.of, self.query.namespace, error)
    }

    fn gap(&self, cause: Cause) -> Gap {
        gap(self.query.of, self.query.namespace, cause)
    }
}

/// A gap of a type.
pub fn gap(of: &ResourceType, namespace: Option<&str>, cause: Cause) -> Gap {
    Gap { resource: of.group_resource(), namespace: namespace.map(str::to_owned), cause }
}

/// A gap because of missing rights.
pub fn forbidden(verb: &'static str, of: &ResourceType, namespace: Option<&str>, error: &api::Error) -> Gap {
    let user = error.user().map(str::to_owned);
    gap(of, namespace, Cause::Forbidden { verb, group: of.group.clone(), plural: of.plural.clone(), user })
}
