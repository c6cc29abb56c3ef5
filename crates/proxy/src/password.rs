//! Hashes of passwords, for `[[staff]]`.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;

/// The shortest password that is hashed, in characters.
pub const CHARACTERS_MIN: usize = 12;

/// The hash of a password, with a salt of its own, as `[[staff]]` takes it.
///
/// # Errors
/// A sentence that says what to change.
pub fn hash(password: &str) -> Result<String, String> {
    if password.chars().count() < CHARACTERS_MIN {
        return Err(format!("a password has at least {CHARACTERS_MIN} characters"));
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| format!("the password cannot be hashed: {error}"))
}

/// Whether a text is such a hash.
pub fn is_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_recognised_and_differs_each_time() {
        let first = hash("correct horse battery").expect("long enough");
        assert!(is_hash(&first), "{first}");
        assert_ne!(hash("correct horse battery").expect("long enough"), first);
        assert!(!is_hash("correct horse battery"));
        assert!(hash("short").is_err());
    }
}
