//! A lock file: JSON, perhaps compressed, encrypted with the master key of the repository.

use std::fmt;
use std::io::Read;

use aes256ctr_poly1305aes::aead::Aead;
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Nonce};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::rules::Content;

/// Length of the random number before the ciphertext.
const NONCE: usize = 16;
/// A lock is a few hundred bytes; what unpacks to more is none.
const LARGEST: u64 = 64 * 1024;
/// First byte of compressed JSON in repositories of version 2 (restic design document, "Unpacked Data Format").
const COMPRESSED: u8 = 2;

/// The master key of a repository: 32 bytes of AES-256 key, then `k` and `r` of Poly1305-AES, 16 bytes each.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 64]>);

impl Key {
    /// From the three parts of a master key; `None` if their lengths are wrong.
    #[must_use]
    pub fn new(encrypt: &[u8], k: &[u8], r: &[u8]) -> Option<Self> {
        let whole = Zeroizing::new([encrypt, k, r].concat());
        let lengths = (encrypt.len(), k.len(), r.len());
        let array = <[u8; 64]>::try_from(whole.as_slice()).ok()?;
        (lengths == (32, 16, 16)).then(|| Self(Zeroizing::new(array)))
    }

    fn cipher(&self) -> Aes256CtrPoly1305Aes {
        Aes256CtrPoly1305Aes::new(self.0.as_slice().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(redacted)")
    }
}

/// Seals a lock. `nonce` must be random: it is used once.
///
/// Returns the name of the file, which is the SHA-256 of its content, and the content.
pub fn seal(key: &Key, content: &Content, nonce: [u8; NONCE]) -> Option<(String, Bytes)> {
    let plain = serde_json::to_vec(content).ok()?;
    let sealed = key.cipher().encrypt(Nonce::from_slice(&nonce), plain.as_slice()).ok()?;
    let file = Bytes::from([nonce.as_slice(), &sealed].concat());
    Some((hex::encode(Sha256::digest(&file)), file))
}

/// Opens a lock file; says what is wrong with it otherwise.
pub fn open(key: &Key, file: &[u8]) -> Result<Content, &'static str> {
    let (nonce, sealed) = file.split_at_checked(NONCE).ok_or("it is too short")?;
    let plain = key
        .cipher()
        .decrypt(Nonce::from_slice(nonce), sealed)
        .map_err(|_| "it is not encrypted with the key of this repository, or damaged")?;
    let json = match plain.split_first() {
        Some((&COMPRESSED, packed)) => unpack(packed).ok_or("it cannot be decompressed")?,
        _ => plain,
    };
    serde_json::from_slice(&json).map_err(|_| "it is not a lock")
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let decoder = zstd::Decoder::new(packed).ok()?;
    decoder.take(LARGEST).read_to_end(&mut json).ok()?;
    Some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let sealed = key(1).cipher().encrypt(Nonce::from_slice(&[7; NONCE]), plain.as_slice()).unwrap();
        let file = [[7; NONCE].as_slice(), &sealed].concat();
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

    #[test]
    fn a_key_of_other_lengths_is_none_and_is_never_printed() {
        assert!(Key::new(&[1; 16], &[1; 32], &[1; 16]).is_none());
        assert_eq!(format!("{:?}", key(1)), "Key(redacted)");
    }
}
