//! What is encrypted with the master key of a repository, opened within bounds.
//!
//! Whoever has the password can write a file of a few kilobytes that unpacks to gigabytes. The repository engine unpacks
//! whatever it is given to its end; what is read from a repository that may be hostile is unpacked here, or looked at
//! here first.

use std::fmt;
use std::io::Read;

use aes256ctr_poly1305aes::aead::Aead;
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Nonce};
use zeroize::Zeroizing;

/// Length of the random number before the ciphertext.
pub const NONCE: usize = 16;
/// First byte of compressed JSON in repositories of version 2 (restic design document, "Unpacked Data Format").
pub const COMPRESSED: u8 = 2;

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

    /// Encrypts. `nonce` must be random: it is used once.
    #[must_use]
    pub fn seal(&self, plain: &[u8], nonce: [u8; NONCE]) -> Option<Vec<u8>> {
        let sealed = self.cipher().encrypt(Nonce::from_slice(&nonce), plain).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts; says what is wrong otherwise.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, &'static str> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or("it is too short")?;
        self.cipher()
            .decrypt(Nonce::from_slice(nonce), sealed)
            .map_err(|_| "it is not encrypted with the key of this repository, or damaged")
    }

    /// Decrypts a file that is JSON, compressed or not, of at most `most` bytes.
    pub fn open_json(&self, sealed: &[u8], most: u64) -> Result<Vec<u8>, &'static str> {
        let plain = self.open(sealed)?;
        match plain.split_first() {
            Some((&COMPRESSED, packed)) => unpack(packed, most),
            _ => Ok(plain),
        }
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

/// Unpacks what zstd packed, up to `most` bytes: no more than that is ever in memory.
pub fn unpack(packed: &[u8], most: u64) -> Result<Vec<u8>, &'static str> {
    let mut plain = Vec::new();
    let decoder = zstd::Decoder::new(packed).map_err(|_| "it cannot be decompressed")?;
    let read = decoder.take(most.saturating_add(1)).read_to_end(&mut plain);
    read.map_err(|_| "it cannot be decompressed")?;
    if plain.len() as u64 > most { Err("it unpacks to more than it may") } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> Key {
        Key::new(&[seed; 32], &[seed; 16], &[3; 16]).unwrap()
    }

    #[test]
    fn a_key_of_other_lengths_is_none_and_is_never_printed() {
        assert!(Key::new(&[1; 16], &[1; 32], &[1; 16]).is_none());
        assert_eq!(format!("{:?}", key(1)), "Key(redacted)");
    }

    #[test]
    fn what_was_sealed_is_opened_with_its_key_only() {
        let sealed = key(1).seal(b"plain", [7; NONCE]).unwrap();
        assert_eq!(key(1).open(&sealed).as_deref(), Ok(b"plain".as_slice()));
        assert!(key(9).open(&sealed).is_err());
        assert_eq!(key(1).open(&sealed[..10]), Err("it is too short"));
        let mut damaged = sealed;
        damaged[20] ^= 1;
        assert!(key(1).open(&damaged).unwrap_err().contains("damaged"));
    }

    #[test]
    fn what_unpacks_to_more_than_it_may_is_refused() {
        let bomb = zstd::encode_all(vec![b' '; 1 << 20].as_slice(), 19).unwrap();
        assert!(bomb.len() < 1000, "{}", bomb.len());
        assert_eq!(unpack(&bomb, 1 << 20).map(|plain| plain.len()), Ok(1 << 20));
        assert_eq!(unpack(&bomb, (1 << 20) - 1), Err("it unpacks to more than it may"));
        assert_eq!(unpack(b"no zstd", 100), Err("it cannot be decompressed"));
        let sealed = key(1).seal(&[&[COMPRESSED], bomb.as_slice()].concat(), [7; NONCE]).unwrap();
        assert_eq!(key(1).open_json(&sealed, 1000), Err("it unpacks to more than it may"));
        let plain = key(1).seal(b"{}", [7; NONCE]).unwrap();
        assert_eq!(key(1).open_json(&plain, 10).as_deref(), Ok(b"{}".as_slice()));
    }
}
