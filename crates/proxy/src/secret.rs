//! Secrets that may be exchanged while the program runs, and that nothing can print.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret as _, SecretString};

/// What holds at this moment. All its copies are one: what is exchanged in one is exchanged in all, so the configuration and
/// whoever uses the secret never part. Its `Debug` shows nothing.
pub struct Current<T>(Arc<RwLock<Arc<T>>>);

/// A name and its password, which are exchanged together.
pub struct Credentials {
    /// The customer key, or the access key of a storage.
    pub key: SecretString,
    /// The customer secret, or the secret key of a storage.
    pub secret: SecretString,
}

impl<T> Current<T> {
    /// This, for now.
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// What holds now.
    pub fn now(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on what the other one holds. Says whether that is something else.
    pub fn take_over(&self, other: &Self) -> bool
    where
        T: Same,
    {
        let (own, new) = (self.now(), other.now());
        let changes = !own.same(&new);
        if changes {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        }
        changes
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> core::fmt::Debug for Current<T> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl Credentials {
    /// Of these two texts.
    pub fn of(key: &str, secret: &str) -> Self {
        Self { key: SecretString::from(key), secret: SecretString::from(secret) }
    }
}

/// Whether two secrets are one; nothing of them is told.
pub trait Same {
    /// Whether they are.
    fn same(&self, other: &Self) -> bool;
}

impl Same for SecretString {
    fn same(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl Same for Credentials {
    fn same(&self, other: &Self) -> bool {
        self.key.same(&other.key) && self.secret.same(&other.secret)
    }
}

impl Same for Vec<SecretString> {
    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(one, other)| one.same(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exchanged_is_exchanged_for_everybody_and_shows_nothing() {
        let own = Current::new(Credentials::of("key", "old-secret"));
        let user = own.clone();
        assert!(!own.take_over(&Current::new(Credentials::of("key", "old-secret"))));
        assert!(own.take_over(&Current::new(Credentials::of("key", "new-secret"))));
        assert_eq!(user.now().secret.expose_secret(), "new-secret");
        assert_eq!(format!("{user:?}"), "(secret)");
        let several = Current::new(vec![SecretString::from("one")]);
        assert!(several.take_over(&Current::new(Vec::new())));
    }
}
