//! The storage side as a whole: repositories on an object store.

#[cfg(test)]
mod bad_day;
#[cfg(test)]
mod bucket;
#[cfg(test)]
mod canned;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod look;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod s3;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tools;
