//! The ids of the rules. Every automatic decision and every call cites one, in the journal and on the screen.

use core::fmt;

use from_json::{FromJson, Reader};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! rule_ids {
    ($($id:ident)*) => {
        /// The id of one rule of `docs/rules.md`: a letter for its section and a number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "an id means the rule of that id in docs/rules.md")]
        pub enum RuleId { $($id),* }

        impl RuleId {
            /// Every rule, in the order of the sections.
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// The id as people write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$id => stringify!($id)),* }
            }
        }
    };
}

rule_ids! {
    D1 D2 D3 D4 D5 D6 D7 D8 D9 D10
    S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11
    V1 V2 V3 V4 V5
    M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11
    R1 R2 R3 R4 R5
    T1 T2 T3 T4 T5 T6 T7 T8
    U1 U2
    F1 F2 F3 F4 F5 F6
    N1 N2 N3 N4 N5 N6
    A1 A2 A3
    I1 L1 L2 C1 B1 B2
}

impl RuleId {
    /// The rule that this text names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.as_str() == text)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("there is no rule {text:?}")))
    }
}

impl FromJson for RuleId {
    fn from_json(value: Option<&serde_json::Value>, reader: &mut Reader) -> Self {
        Self::parse(reader.text(value)).unwrap_or_else(|| {
            reader.refuse("the id of a rule");
            Self::ALL[0]
        })
    }
}
