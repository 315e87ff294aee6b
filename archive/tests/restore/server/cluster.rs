//! What the server knows: types, objects, who may what; and where a request leads.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, discovery, objects, refuse};

/// One type.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    pub group: String,
    /// The preferred one first.
    pub versions: Vec<String>,
    pub plural: String,
    pub kind: String,
    pub namespaced: bool,
    /// Whether `status` is a subresource.
    pub status: bool,
    /// What cannot be changed, as JSON pointers.
    pub immutable: Vec<String>,
    /// Top-level fields that no version served knows.
    pub unknown: Vec<String>,
}

impl Type {
    pub fn new(group: &str, plural: &str, kind: &str, namespaced: bool) -> Self {
        Self {
            group: group.to_owned(),
            versions: vec!["v1".to_owned()],
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            namespaced,
            status: false,
            immutable: Vec::new(),
            unknown: Vec::new(),
        }
    }

    pub fn with_status(mut self) -> Self {
        self.status = true;
        self
    }

    pub fn immutable(mut self, pointers: &[&str]) -> Self {
        self.immutable = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        self
    }

    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// Where an object is: `group_resource`, namespace (empty for the cluster), name.
pub type Place = (String, String, String);

pub fn place(group_resource: &str, namespace: &str, name: &str) -> Place {
    (group_resource.to_owned(), namespace.to_owned(), name.to_owned())
}

/// A change, for those who watch.
#[derive(Clone, Debug)]
struct Event {
    version: u64,
    place: Place,
    kind: &'static str,
    object: Value,
}

/// The cluster.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub types: Vec<Type>,
    pub objects: BTreeMap<Place, Value>,
    /// Verb and `group_resource` that nobody may; in one namespace where one is named.
    pub denied: BTreeSet<(String, String, String)>,
    /// Fields that others own, as (manager, JSON pointer).
    pub owned: BTreeMap<Place, Vec<(String, String)>>,
    /// New definitions are established at once; otherwise by hand.
    pub establishes: bool,
    /// What is deleted stays, being deleted, until [`Cluster::forget`].
    pub lingers: BTreeSet<Place>,
    version: u64,
    uids: u64,
    log: Vec<Event>,
}

/// A path of a type.
pub struct Route {
    pub of: Type,
    pub api_version: String,
    pub namespace: String,
    pub name: Option<String>,
}

impl Route {
    pub fn place(&self, name: &str) -> Place {
        (self.of.group_resource(), self.namespace.clone(), name.to_owned())
    }
}

impl Cluster {
    /// The types that these tests need, nothing in them but the namespaces of Kubernetes.
    pub fn empty() -> Self {
        let mut cluster = Self { types: objects::types(), establishes: true, ..Self::default() };
        for name in ["default", "kube-system"] {
            cluster.put("namespaces", "", name, &json!({}));
        }
        cluster
    }

    /// With these namespaces besides.
    pub fn with_namespaces(names: &[&str]) -> Self {
        let mut cluster = Self::empty();
        for name in names {
            cluster.put("namespaces", "", name, &json!({}));
        }
        cluster
    }

    /// Makes an object as if somebody had, whose fields besides its name are `more`.
    pub fn put(&mut self, group_resource: &str, namespace: &str, name: &str, more: &Value) -> Value {
        let of = self.of(group_resource).clone();
        let mut object = objects::manifest(&of, namespace, name, more);
        let at = place(group_resource, namespace, name);
        objects::complete(self, &of, &mut object);
        self.store("ADDED", at, object.clone());
        objects::follow_up(self, &of, &object);
        object
    }

    /// The type of that name.
    pub fn of(&self, group_resource: &str) -> &Type {
        let found = self.types.iter().find(|of| of.group_resource() == group_resource);
        found.unwrap_or_else(|| panic!("no type {group_resource}"))
    }

    pub fn object(&self, group_resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&place(group_resource, namespace, name))
    }

    pub fn has(&self, group_resource: &str, namespace: &str, name: &str) -> bool {
        self.object(group_resource, namespace, name).is_some()
    }

    /// Changes an object as if `manager` had.
    pub fn edit(&mut self, at: &Place, manager: &str, pointer: &str, value: Value) {
        let mut object = self.objects[at].clone();
        objects::set(&mut object, pointer, value);
        self.owned.entry(at.clone()).or_default().push((manager.to_owned(), pointer.to_owned()));
        self.store("MODIFIED", at.clone(), object);
    }

    /// An object is there, as it is given.
    pub fn store(&mut self, kind: &'static str, at: Place, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.log.push(Event { version: self.version, place: at.clone(), kind, object: object.clone() });
        self.objects.insert(at, object);
    }

    /// An object is gone, and in a namespace all that is in it; so is what nobody owns any more.
    pub fn forget(&mut self, at: &Place) {
        let Some(object) = self.objects.remove(at) else { return };
        self.version += 1;
        self.log.push(Event { version: self.version, place: at.clone(), kind: "DELETED", object });
        if at.0 == "namespaces" {
            let inside: Vec<Place> = self.objects.keys().filter(|(_, of, _)| *of == at.2).cloned().collect();
            for at in &inside {
                self.forget(at);
            }
        }
        if at.0 == "customresourcedefinitions.apiextensions.k8s.io" {
            self.types.retain(|of| of.group_resource() != at.2);
            let of: Vec<Place> = self.objects.keys().filter(|(of, ..)| *of == at.2).cloned().collect();
            for at in &of {
                self.forget(at);
            }
        }
    }

    /// Removes what names an owner that does not exist, as the garbage collector does; what it was.
    pub fn collect_garbage(&mut self) -> Vec<Place> {
        let mut collected = Vec::new();
        loop {
            let uids: BTreeSet<String> = self.objects.values().filter_map(objects::uid).collect();
            let is_orphan = |object: &Value| {
                let owners = object["metadata"]["ownerReferences"].as_array();
                owners.is_some_and(|owners| {
                    !owners.is_empty()
                        && owners.iter().all(|owner| !uids.contains(owner["uid"].as_str().unwrap()))
                })
            };
            let found = self.objects.iter().filter(|(_, object)| is_orphan(object));
            let orphans: Vec<Place> = found.map(|(at, _)| at.clone()).collect();
            if orphans.is_empty() {
                return collected;
            }
            for at in &orphans {
                self.forget(at);
            }
            collected.extend(orphans);
        }
    }

    pub fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("uid-{:08}", self.uids)
    }

    /// The answer to a request.
    pub fn serve(&mut self, call: &Call) -> Answer {
        match call.path.as_str() {
            path @ ("/api" | "/apis") => return (200, discovery::groups(path, &self.types)),
            "/apis/apiregistration.k8s.io/v1/apiservices" => return (200, json!({"items": []})),
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
                return (201, self.review(&call.body));
            }
            _ => {}
        }
        let Some(route) = self.route(&call.path) else {
            return refuse(404, "NotFound", "the server could not find the requested resource");
        };
        if let Some(refusal) = self.authorize(call, &route) {
            return refusal;
        }
        let before = call.is_dry().then(|| self.clone());
        let answer = match (&call.method, &route.name) {
            (&Method::GET, None) => (200, self.list(call, &route)),
            (&Method::GET, Some(name)) => self.get(&route, name),
            (&Method::POST, None) => objects::create(self, &route, call),
            (&Method::PATCH, Some(name)) if call.merges => objects::patch(self, &route, name, call),
            (&Method::PATCH, Some(name)) => objects::apply(self, &route, name, call),
            (&Method::PUT, Some(name)) => objects::replace(self, &route, name, call),
            (&Method::DELETE, Some(name)) => objects::delete(self, &route, name, call),
            _ => refuse(405, "MethodNotAllowed", "the server does not allow this method"),
        };
        if let Some(before) = before {
            *self = before;
        }
        answer
    }

    fn review(&self, body: &Value) -> Value {
        let attributes = &body["spec"]["resourceAttributes"];
        let text = |field: &str| attributes[field].as_str().unwrap_or_default().to_owned();
        let group_resource = match text("group").as_str() {
            "" => text("resource"),
            group => format!("{}.{group}", text("resource")),
        };
        let allowed = if text("verb") == "*" {
            self.denied.is_empty()
        } else {
            self.may(&text("verb"), &group_resource, &text("namespace"))
        };
        json!({"status": {"allowed": allowed}})
    }

    /// In all namespaces, when none is named, only who may in each.
    fn may(&self, verb: &str, group_resource: &str, namespace: &str) -> bool {
        let denied = self.denied.iter().filter(|(denied, of, _)| denied == verb && of == group_resource);
        denied.into_iter().all(|(_, _, of)| !of.is_empty() && !namespace.is_empty() && of != namespace)
    }

    fn authorize(&self, call: &Call, route: &Route) -> Option<Answer> {
        let verb = match (&call.method, &route.name) {
            (&Method::GET, None) => "list",
            (&Method::GET, Some(_)) => "get",
            (&Method::POST, _) => "create",
            (&Method::PATCH, _) => "patch",
            (&Method::PUT, _) => "update",
            _ => "delete",
        };
        if self.may(verb, &route.of.group_resource(), &route.namespace) {
            return None;
        }
        let Type { plural, group, .. } = &route.of;
        let message = format!(
            "{} is forbidden: User \"restorer\" cannot {verb} resource \"{plural}\" in API group \"{group}\" in the \
             namespace \"{}\"",
            route.of.group_resource(),
            route.namespace
        );
        Some(refuse(403, "Forbidden", &message))
    }

    /// Where a path leads.
    pub fn route(&self, path: &str) -> Option<Route> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, plural, name) = match rest {
            ["namespaces", namespace, plural] => (*namespace, *plural, None),
            ["namespaces", namespace, plural, name] => (*namespace, *plural, Some(*name)),
            [plural] => ("", *plural, None),
            [plural, name] => ("", *plural, Some(*name)),
            _ => return None,
        };
        let of = self.types.iter().find(|of| {
            of.group == group && of.plural == plural && of.versions.iter().any(|served| served == version)
        })?;
        if !of.namespaced && !namespace.is_empty() {
            return None;
        }
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        Some(Route {
            of: of.clone(),
            api_version,
            namespace: namespace.to_owned(),
            name: name.map(str::to_owned),
        })
    }

    fn get(&self, route: &Route, name: &str) -> Answer {
        match self.objects.get(&route.place(name)) {
            Some(object) => {
                let mut object = object.clone();
                object["apiVersion"] = json!(route.api_version);
                (200, object)
            }
            None => objects::not_found(&route.of, name),
        }
    }

    fn list(&self, call: &Call, route: &Route) -> Value {
        let items: Vec<&Value> = self
            .objects
            .iter()
            .filter(|(at, _)| is_selected(at, call, route))
            .map(|(_, object)| object)
            .collect();
        json!({
            "kind": format!("{}List", route.of.kind), "apiVersion": route.api_version,
            "metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    /// What has happened since.
    pub fn events(&self, call: &Call, since: u64) -> Vec<Value> {
        let Some(route) = self.route(&call.path) else { return Vec::new() };
        let happened = self.log.iter().filter(|event| event.version > since);
        happened
            .filter(|event| is_selected(&event.place, call, &route))
            .map(|event| json!({"type": event.kind, "object": event.object}))
            .collect()
    }
}

fn is_selected(at: &Place, call: &Call, route: &Route) -> bool {
    let name = call.query("fieldSelector").and_then(|selector| selector.strip_prefix("metadata.name="));
    at.0 == route.of.group_resource()
        && (route.namespace.is_empty() || at.1 == route.namespace)
        && name.is_none_or(|name| at.2 == name)
}
