//! What a recorder joins a channel with, where the project's App Certificate is enabled: a token of the form that begins with
//! `007` (`AccessToken2`), which the service checks with the same certificate.
//!
//! It says until when and for whom it is good, and is signed: HMAC-SHA256 under a key made of the certificate, when it was
//! issued and a number that tells tokens of one second apart. Compressed and in Base64, so that it is a text.

use agora::{AppId, ChannelName, Uid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// For how many hours a token is good beyond those in which its session can be controlled: the service cannot exchange it
/// while a session runs, and ends one whose token is over.
pub const HOURS_BEYOND: u32 = 24;

/// The form.
const FORM: &str = "007";

/// The service type of a channel, and the one privilege that a recorder needs: to join it. It publishes nothing.
const CHANNEL_SERVICE: u16 = 1;
const MAY_JOIN: u16 = 1;

/// The smallest and the largest number that tells tokens apart, as the service's own builders draw it.
const SALTS: core::ops::RangeInclusive<u32> = 1..=99_999_999;

/// What a token says.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// The project.
    pub app_id: &'a AppId,
    /// The channel that may be joined.
    pub channel: &'a ChannelName,
    /// As whom.
    pub uid: Uid,
    /// From when it counts, in seconds since the Unix epoch.
    pub issued_at: u32,
    /// For how long it is good, in seconds.
    pub good_for: u32,
    /// What tells it from other tokens of the same second; any number.
    pub salt: u32,
}

impl Claims<'_> {
    /// The token, signed with this App Certificate. The same claims give the same bytes.
    pub fn signed(&self, certificate: &SecretString) -> SecretString {
        let salt = self.salt % SALTS.end() + SALTS.start();
        let mut said = text(self.app_id.as_str().as_bytes());
        for number in [self.issued_at, self.good_for, salt] {
            said.extend(number.to_le_bytes());
        }
        // One service, with one privilege.
        for number in [1, CHANNEL_SERVICE, 1, MAY_JOIN] {
            said.extend(number.to_le_bytes());
        }
        said.extend(self.good_for.to_le_bytes());
        said.extend(text(self.channel.as_str().as_bytes()));
        said.extend(text(self.uid.to_string().as_bytes()));

        let key = keyed(&self.issued_at.to_le_bytes(), certificate.expose_secret().as_bytes());
        let key = keyed(&salt.to_le_bytes(), &key);
        let token = [text(&keyed(&key, &said)), said].concat();
        let compressed = miniz_oxide::deflate::compress_to_vec_zlib(&token, 6);
        SecretString::from(format!("{FORM}{}", STANDARD.encode(compressed)))
    }
}

/// A text with its length before it.
fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("an App ID, a channel and a UID are short");
    [&length.to_le_bytes(), bytes].concat()
}

fn keyed(key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens that the vendor's own builder (npm `agora-token`) made of these claims, and ours: a journey compares the
    /// file with that package, so that both sides are held by it.
    const VECTORS: &str = include_str!("../tokens/vectors.json");

    fn inflated(token: &str) -> Vec<u8> {
        let compressed = STANDARD.decode(token.strip_prefix(FORM).expect("the form")).expect("Base64");
        miniz_oxide::inflate::decompress_to_vec_zlib(&compressed).expect("compressed")
    }

    #[test]
    fn a_token_is_what_the_vendors_builder_makes() {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).expect("JSON");
        let vectors = vectors.as_array().expect("a list");
        assert!(vectors.len() >= 4);
        let mut ours = Vec::new();
        for vector in vectors {
            let field = |name: &str| vector[name].as_str().expect("a text");
            let number =
                |name: &str| u32::try_from(vector[name].as_u64().expect("a number")).expect("32 bits");
            let claims = Claims {
                app_id: &AppId::parse(field("app_id")).expect("an App ID"),
                channel: &ChannelName::parse(field("channel")).expect("a channel"),
                uid: Uid::new(number("uid")).expect("not 0"),
                issued_at: number("issued_at"),
                good_for: number("good_for"),
                salt: number("salt") - 1,
            };
            let made = claims.signed(&SecretString::from(field("certificate")));
            // Two programs compress in two ways; what is compressed is the same byte for byte.
            assert_eq!(inflated(made.expose_secret()), inflated(field("vendors")));
            ours.push(made.expose_secret().to_owned());
        }
        let written: Vec<_> = vectors.iter().filter_map(|vector| vector["ours"].as_str()).collect();
        assert_eq!(ours, written);
    }
}
