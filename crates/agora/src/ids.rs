//! Identifiers of the service. Constructors parse; what exists is valid.

use core::fmt;
use core::num::NonZeroU32;

use from_json::{FromJson, Reader};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an identifier; the sentence says what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError(pub String);

impl fmt::Display for IdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for IdError {}

/// A recorder's user ID in a channel: 1 … 2³²−1 on the wire, where it travels as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(transparent)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// The largest UID that support advises to use (2³¹−1); rule S11 reserves none above it.
    pub const ADVISED_MAX: u32 = 0x7FFF_FFFF;

    /// The UID with this number; none for 0, which the service would replace by a random one.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Reads the decimal text that travels on the wire.
    ///
    /// # Errors
    /// When the text is not an integer from 1 to 2³²−1 written in plain digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { text.parse::<u32>().ok() } else { None };
        number.and_then(Self::new).ok_or_else(|| {
            IdError("a UID is a whole number from 1 to 4294967295, written in digits only".to_owned())
        })
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Makes a checked text type: `parse` is the only way in.
macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident, $check:path) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// When the service would refuse it; the error says what to change.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The text as it travels.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl FromJson for $name {
            fn from_json(value: Option<&serde_json::Value>, reader: &mut Reader) -> Self {
                let text = reader.text(value);
                if $check(text).is_err() {
                    reader.refuse(stringify!($name));
                }
                Self(text.to_owned())
            }
        }
    };
}

text_id!(
    /// The ID of an Agora project.
    AppId, check_app_id
);
text_id!(
    /// The name of a channel: fewer than 64 bytes of the service's 89 characters.
    ChannelName, check_channel_name
);
text_id!(
    /// What `acquire` answers: an opaque text that names one session's place, valid for five minutes until `start`.
    ResourceId, check_resource_id
);
text_id!(
    /// A recording ID: what `start` answers, and what every later call needs.
    Sid, check_sid
);

fn check_app_id(text: &str) -> Result<(), IdError> {
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(IdError("an App ID has 1 to 64 letters and digits".to_owned()))
}

fn check_channel_name(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError("a channel name is needed".to_owned()));
    }
    if text.len() > ChannelName::MAX_BYTES {
        return Err(IdError(format!(
            "a channel name has at most {} bytes; this one has {}",
            ChannelName::MAX_BYTES,
            text.len()
        )));
    }
    match text.chars().find(|character| !ChannelName::allows(*character)) {
        None => Ok(()),
        Some(character) => Err(IdError(format!(
            "a channel name may not hold {character:?}: only letters, digits, spaces and {}",
            ChannelName::PUNCTUATION
        ))),
    }
}

fn check_resource_id(text: &str) -> Result<(), IdError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 512 && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(IdError("a resource ID has 1 to 512 letters, digits, hyphens and underscores".to_owned()))
}

fn check_sid(text: &str) -> Result<(), IdError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (8..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(IdError("a recording ID (sid) has 8 to 64 letters, digits, hyphens and underscores".to_owned()))
}

impl ChannelName {
    /// The longest name, in bytes: the service wants fewer than 64.
    pub const MAX_BYTES: usize = 63;

    /// The characters beside letters, digits and the space that a name may hold.
    pub const PUNCTUATION: &'static str = "!#$%&()+-:;<=.>?@[]^_{}|~,";

    /// Whether a name may hold this character.
    pub fn allows(character: char) -> bool {
        character.is_ascii_alphanumeric() || character == ' ' || Self::PUNCTUATION.contains(character)
    }
}
