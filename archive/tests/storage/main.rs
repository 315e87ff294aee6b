//! The storage side as a whole: repositories on an object store.

#[cfg(test)]
mod bucket;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod support;
