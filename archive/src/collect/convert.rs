//! From the bytes of the API server to files, some objects at a time.

use std::sync::Arc;

use bytes::Bytes;

use crate::discovery::{ResourceType, Served};
use crate::entry::Entry;
use crate::manifest::{Error, Manifest, TypeMeta, api_version};
use crate::select::LabelGates;

/// Bytes of JSON that are worked on in one go: about a millisecond.
const SHARE: usize = 256 * 1024;

/// What becomes of the objects of a type.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The first part of every path.
    pub group_resource: String,
    /// Which objects are wanted.
    pub labels: LabelGates,
    /// Whether the server's own fields are left out.
    pub sanitize: bool,
}

/// One object of a list.
#[derive(Debug)]
pub struct Object {
    /// None for an object of the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The file; none when the label gates keep it out.
    pub entry: Option<Arc<Entry>>,
}

/// What a list says of its items.
pub fn type_meta(of: &ResourceType, served: &Served) -> TypeMeta {
    let api_version = api_version(&of.group, &served.version).into_owned();
    TypeMeta { api_version, kind: served.kind.clone() }
}

/// Divides the objects of a page.
pub fn shares(items: Vec<Bytes>) -> Vec<(usize, Vec<Bytes>)> {
    let mut shares: Vec<(usize, Vec<Bytes>)> = Vec::new();
    for item in items {
        match shares.last_mut() {
            Some((bytes, share)) if *bytes < SHARE => {
                *bytes += item.len();
                share.push(item);
            }
            _ => shares.push((item.len(), vec![item])),
        }
    }
    shares
}

/// Makes files of objects; each fails by itself.
pub fn convert(items: &[Bytes], shape: &Shape, meta: &TypeMeta) -> Vec<Result<Object, Error>> {
    items.iter().map(|item| object(item, shape, meta)).collect()
}

fn object(item: &Bytes, shape: &Shape, meta: &TypeMeta) -> Result<Object, Error> {
    let manifest = Manifest::read(item, &shape.group_resource, meta)?;
    let (namespace, name) = (manifest.key.namespace.clone(), manifest.key.name.clone());
    let wanted = shape.labels.admit(manifest.labels());
    let entry = if wanted { Some(Arc::new(manifest.into_entry(shape.sanitize)?)) } else { None };
    Ok(Object { namespace, name, entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_divided_and_nothing_is_lost() {
        let items: Vec<Bytes> = (0..100).map(|_| Bytes::from(vec![b'x'; 10_000])).collect();
        let shares = shares(items);
        assert_eq!(shares.iter().map(|(_, share)| share.len()).sum::<usize>(), 100);
        assert!(
            shares.len() == 4 && shares.iter().all(|(bytes, _)| *bytes <= SHARE + 10_000),
            "{}",
            shares.len()
        );
    }

    #[test]
    fn what_the_gates_keep_out_has_a_name_and_no_file() {
        let shape = Shape {
            group_resource: "pods".to_owned(),
            labels: LabelGates { all: vec!["app=shop".to_owned()], any: vec![] },
            sanitize: true,
        };
        let meta = TypeMeta { api_version: "v1".to_owned(), kind: "Pod".to_owned() };
        let items = [
            Bytes::from_static(br#"{"metadata":{"name":"a","namespace":"n","labels":{"app":"shop"}}}"#),
            Bytes::from_static(br#"{"metadata":{"name":"b","namespace":"n"}}"#),
            Bytes::from_static(br#"{"metadata":{}}"#),
        ];
        let objects = convert(&items, &shape, &meta);
        let kept: Vec<Option<bool>> =
            objects.iter().map(|object| object.as_ref().ok().map(|object| object.entry.is_some())).collect();
        assert_eq!(kept, [Some(true), Some(false), None]);
    }
}
