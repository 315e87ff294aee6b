//! A lock file: JSON, perhaps compressed, encrypted with the master key of the repository.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::rules::Content;
use crate::sealed::{Key, NONCE};

/// A lock is a few hundred bytes; what unpacks to more is none.
const LARGEST: u64 = 64 * 1024;

/// Seals a lock. `nonce` must be random: it is used once.
///
/// Returns the name of the file, which is the SHA-256 of its content, and the content.
pub fn seal(key: &Key, content: &Content, nonce: [u8; NONCE]) -> Option<(String, Bytes)> {
    let plain = serde_json::to_vec(content).ok()?;
    let file = Bytes::from(key.seal(&plain, nonce)?);
    Some((hex::encode(Sha256::digest(&file)), file))
}

/// Opens a lock file; says what is wrong with it otherwise.
pub fn open(key: &Key, file: &[u8]) -> Result<Content, &'static str> {
    let json = key.open_json(file, LARGEST)?;
    serde_json::from_slice(&json).map_err(|_| "it is not a lock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::COMPRESSED;

    fn key(seed: u8) -> Key {
        Key::new(&[seed; 32], &[2; 16], &[3; 16]).unwrap()
    }

    fn content() -> Content {
        Content {
            time: "2026-03-01T12:00:00Z".parse().unwrap(),
            exclusive: true,
            hostname: "node-1".to_owned(),
            username: "root".to_owned(),
            pid: 42,
        }
    }

    #[test]
    fn a_lock_is_opened_with_its_key_only() {
        let (name, file) = seal(&key(1), &content(), [7; NONCE]).unwrap();
        assert_eq!(name, hex::encode(Sha256::digest(&file)));
        assert_eq!(open(&key(1), &file), Ok(content()));
        assert!(open(&key(9), &file).is_err());
    }

    #[test]
    fn a_compressed_lock_as_newer_restic_writes_it_is_opened() {
        let json = serde_json::to_vec(&content()).unwrap();
        let packed = zstd::encode_all(json.as_slice(), 3).unwrap();
        let plain = [&[COMPRESSED], packed.as_slice()].concat();
        let file = key(1).seal(&plain, [7; NONCE]).unwrap();
        assert_eq!(open(&key(1), &file), Ok(content()));
    }

    #[test]
    fn damage_is_named() {
        let (_, file) = seal(&key(1), &content(), [7; NONCE]).unwrap();
        assert_eq!(open(&key(1), &file[..10]), Err("it is too short"));
        let mut damaged = file.to_vec();
        damaged[20] ^= 1;
        assert!(open(&key(1), &damaged).unwrap_err().contains("damaged"));
        assert!(open(&key(1), b"").is_err());
    }
}
