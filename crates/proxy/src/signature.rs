//! Whether a notification comes from the service: its signature over the raw bytes (N1).
//!
//! `Agora-Signature-V2` is HMAC-SHA256 and `Agora-Signature` HMAC-SHA1, both in hexadecimal, with the secret's UTF-8 bytes as
//! the key. There are several secrets while one is exchanged for another. The signature holds no time and no address: who
//! has seen a signed body can send it again, and only dedupe tells (N2).

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::Sha256;

use crate::secret::Current;

/// The header of the signature with SHA-256.
pub const V2_HEADER: &str = "agora-signature-v2";

/// The header of the signature with SHA-1.
pub const V1_HEADER: &str = "agora-signature";

/// The secrets of every App ID. Its `Debug` shows none.
#[derive(Debug, Clone, Default)]
pub struct Signatures {
    secrets: BTreeMap<String, Current<Vec<SecretString>>>,
}

impl Signatures {
    /// For these App IDs by name.
    pub fn new(secrets: BTreeMap<String, Vec<SecretString>>) -> Self {
        Self::of(secrets.into_iter().map(|(app, secrets)| (app, Current::new(secrets))).collect())
    }

    /// The same, of secrets that may be exchanged.
    pub fn of(secrets: BTreeMap<String, Current<Vec<SecretString>>>) -> Self {
        Self { secrets }
    }

    /// Whether there is an App ID of this name.
    pub fn knows(&self, app: &str) -> bool {
        self.secrets.contains_key(app)
    }

    /// Whether one of the App ID's secrets made one of these signatures of the body. Every secret is tried, each in
    /// constant time.
    pub fn fit(&self, app: &str, v2: Option<&str>, v1: Option<&str>, body: &[u8]) -> bool {
        let v2: Option<[u8; 32]> = v2.and_then(from_hex);
        let v1: Option<[u8; 20]> = v1.and_then(from_hex);
        let secrets = self.secrets.get(app).map(Current::now).unwrap_or_default();
        secrets.iter().fold(false, |fits, secret| {
            let key = secret.expose_secret().as_bytes();
            let by_v2 = v2.is_some_and(|given| made::<Hmac<Sha256>>(key, body, &given));
            let by_v1 = v1.is_some_and(|given| made::<Hmac<Sha1>>(key, body, &given));
            fits | by_v2 | by_v1
        })
    }
}

fn made<Kind: Mac + KeyInit>(key: &[u8], body: &[u8], given: &[u8]) -> bool {
    let mut mac = <Kind as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.verify_slice(given).is_ok()
}

/// Exactly so many bytes in hexadecimal; the service writes lower case.
fn from_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.trim().as_bytes();
    if digits.len() != BYTES * 2 {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one published body whose published digests are right.
    const BODY: &[u8] = br#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;
    const V1: &str = "033c62f40f687675f17f0f41f91a40c71c0f134c";
    const V2: &str = "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99";

    fn signatures(secrets: &[&str]) -> Signatures {
        let secrets = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Signatures::new(BTreeMap::from([("main".to_owned(), secrets)]))
    }

    #[test]
    fn n1_the_published_signatures_fit_their_body() {
        let known = signatures(&["secret"]);
        assert!(known.fit("main", Some(V2), None, BODY));
        assert!(known.fit("main", None, Some(V1), BODY));
        assert!(known.fit("main", Some(&V2.to_uppercase()), None, BODY));
        let mut other = BODY.to_vec();
        other.push(b' ');
        assert!(!known.fit("main", Some(V2), Some(V1), &other));
    }

    #[test]
    fn n1_any_of_several_secrets_will_do_and_one_that_is_gone_will_not() {
        assert!(signatures(&["another", "secret"]).fit("main", Some(V2), None, BODY));
        assert!(!signatures(&["another"]).fit("main", Some(V2), Some(V1), BODY));
        assert!(!signatures(&[]).fit("main", Some(V2), Some(V1), BODY));
        assert!(!signatures(&["secret"]).fit("other", Some(V2), Some(V1), BODY));
    }

    #[test]
    fn n1_a_signature_is_whole_and_in_its_own_header() {
        let known = signatures(&["secret"]);
        for (v2, v1) in [
            (None, None),
            (Some(""), Some("")),
            (Some(&V2[..62]), None),
            (Some(V1), Some(V2)),
            (Some("6d33\u{e9}"), None),
            (Some(&"g".repeat(64)), Some(&"+".repeat(40))),
        ] as [(Option<&str>, Option<&str>); 6]
        {
            assert!(!known.fit("main", v2, v1, BODY), "{v2:?} {v1:?}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        assert!(!format!("{:?}", signatures(&["very-secret"])).contains("very-secret"));
    }
}
