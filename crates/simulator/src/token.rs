//! Channel tokens of the form that begins with `007`: read and checked against the App Certificate.
//!
//! A token is a signature over the App ID, when it was issued, for how long it is good, and what it allows, compressed
//! and written in Base64.

use agora::{Timestamp, Uid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::config::Config;

/// The service type of a channel in a token, and its privilege to join it.
const CHANNEL_SERVICE: u16 = 1;
const MAY_JOIN: u16 = 1;
/// A token is some hundred bytes; more is none.
const INFLATED_BYTES_MAX: usize = 16 * 1024;

/// Why a recorder may not join with its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// Its time is over: code 109.
    Expired,
    /// It is missing, unreadable, of another channel or UID, or not signed with the certificate: code 110.
    Wrong,
}

/// Until when a recorder may stay in its channel with this token.
pub(crate) fn check(
    token: Option<&str>,
    config: &Config,
    cname: &str,
    uid: Uid,
    now: Timestamp,
) -> Result<Timestamp, TokenFault> {
    let certificate = config.app_certificate.as_deref().ok_or(TokenFault::Wrong)?;
    let token = token.and_then(Token::read).ok_or(TokenFault::Wrong)?;
    let is_ours = token.is_signed_with(certificate)
        && token.app_id == config.app_id.as_str()
        && token.cname == cname
        && (token.uid.is_empty() || token.uid == uid.to_string());
    if !is_ours {
        return Err(TokenFault::Wrong);
    }
    let good_for = token.expires_after.min(token.may_join_for);
    let until = Timestamp::from_millis((i64::from(token.issued_at) + i64::from(good_for)) * 1000);
    if until <= now { Err(TokenFault::Expired) } else { Ok(until) }
}

struct Token {
    signature: Vec<u8>,
    /// What is signed.
    content: Vec<u8>,
    salt: u32,
    app_id: String,
    /// Seconds since the Unix epoch.
    issued_at: u32,
    /// Seconds.
    expires_after: u32,
    may_join_for: u32,
    cname: String,
    /// Empty: any.
    uid: String,
}

impl Token {
    fn read(text: &str) -> Option<Self> {
        let compressed = STANDARD.decode(text.strip_prefix("007")?).ok()?;
        let bytes =
            miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&compressed, INFLATED_BYTES_MAX).ok()?;
        let mut bytes = Bytes(&bytes);
        let signature = bytes.text()?.to_vec();
        let content = bytes.0.to_vec();
        let app_id = bytes.string()?;
        let (issued_at, expires_after, salt) = (bytes.number()?, bytes.number()?, bytes.number()?);
        // The service of the channel comes first, as the builders order them; another has another form.
        let (services, service) = (bytes.short()?, bytes.short()?);
        if services == 0 || service != CHANNEL_SERVICE {
            return None;
        }
        let mut may_join_for = None;
        for _ in 0..bytes.short()? {
            let (privilege, after) = (bytes.short()?, bytes.number()?);
            if privilege == MAY_JOIN {
                may_join_for = Some(after);
            }
        }
        let (cname, uid) = (bytes.string()?, bytes.string()?);
        let may_join_for = may_join_for?;
        Some(Self { signature, content, salt, app_id, issued_at, expires_after, may_join_for, cname, uid })
    }

    fn is_signed_with(&self, certificate: &str) -> bool {
        let key = sign(&self.issued_at.to_le_bytes(), certificate.as_bytes());
        let key = sign(&self.salt.to_le_bytes(), &key);
        sign(&key, &self.content) == self.signature
    }
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Little-endian numbers, and texts with their length before them.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.short()?;
        self.take(usize::from(length))
    }

    fn string(&mut self) -> Option<String> {
        String::from_utf8(self.text()?.to_vec()).ok()
    }
}

/// A channel token as the builders make it, good for `good_for` seconds from `issued_at` (seconds since the Unix epoch)
/// on. An empty `uid` is any.
pub fn channel_token(
    app_id: &str,
    certificate: &str,
    (cname, uid): (&str, &str),
    issued_at: u32,
    good_for: u32,
) -> String {
    fn text(bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let kept = &bytes[..bytes.len().min(usize::from(length))];
        [&length.to_le_bytes(), kept].concat()
    }
    // Chance would only serve to tell two tokens of one second apart.
    let salt = 1_u32;
    let mut content = text(app_id.as_bytes());
    for number in [issued_at, good_for, salt] {
        content.extend(number.to_le_bytes());
    }
    for number in [1, CHANNEL_SERVICE, 1, MAY_JOIN] {
        content.extend(number.to_le_bytes());
    }
    content.extend(good_for.to_le_bytes());
    content.extend(text(cname.as_bytes()));
    content.extend(text(uid.as_bytes()));
    let key = sign(&salt.to_le_bytes(), &sign(&issued_at.to_le_bytes(), certificate.as_bytes()));
    let signed = [text(&sign(&key, &content)), content].concat();
    format!("007{}", STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(&signed, 6)))
}

#[cfg(test)]
mod tests {
    use agora::AppId;

    use super::*;

    #[test]
    fn a_token_is_good_for_its_channel_its_uid_and_its_time() {
        let mut config = Config::new(AppId::parse("demo").expect("an App ID"), "key", "secret");
        let uid = Uid::new(900_001).expect("not 0");
        let checked = |config: &Config, token: &str, cname, second: i64| {
            check(Some(token), config, cname, uid, Timestamp::from_millis(second * 1000))
        };
        let token = channel_token("demo", "certificate", ("room7", "900001"), 1_000, 60);
        assert_eq!(
            checked(&config, &token, "room7", 1_000),
            Err(TokenFault::Wrong),
            "no certificate to compare with"
        );
        config.app_certificate = Some("certificate".to_owned());
        let until = Timestamp::from_millis(1_060_000);
        assert_eq!(checked(&config, &token, "room7", 1_059), Ok(until));
        assert_eq!(checked(&config, &token, "room7", 1_060), Err(TokenFault::Expired));
        assert_eq!(checked(&config, &token, "room8", 1_000), Err(TokenFault::Wrong));
        let any = channel_token("demo", "certificate", ("room7", ""), 1_000, 60);
        assert_eq!(checked(&config, &any, "room7", 1_000), Ok(until));
        let foreign = [
            channel_token("demo", "other", ("room7", "900001"), 1_000, 60),
            channel_token("other", "certificate", ("room7", "900001"), 1_000, 60),
            channel_token("demo", "certificate", ("room7", "900002"), 1_000, 60),
            "007".to_owned(),
            "007eJwBAAD//wAAAAE=".to_owned(),
            "006abc".to_owned(),
            token.replacen("007", "006", 1),
            token[..token.len() - 8].to_owned(),
        ];
        for wrong in foreign {
            assert_eq!(checked(&config, &wrong, "room7", 1_000), Err(TokenFault::Wrong), "{wrong}");
        }
        assert_eq!(check(None, &config, "room7", uid, until), Err(TokenFault::Wrong));
    }
}
