//! What all phase enums have in common.

/// Defines a phase enum: the words are the ones in the API, in that order in the schema.
macro_rules! phase {
    ($(#[$attribute:meta])* $name:ident { $($(#[$word_attribute:meta])* $word:ident),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name { $($(#[$word_attribute])* $word),+ }

        impl $name {
            /// Every phase, in schema order.
            pub const ALL: &[Self] = &[$(Self::$word),+];

            /// The word in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => stringify!($word)),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::phase::UnknownPhase;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|phase| phase.as_str() == text)
                    .ok_or_else(|| crate::phase::UnknownPhase { phase: text.to_owned() })
            }
        }
    };
}

pub(crate) use phase;

/// A word that is no phase of the kind.
#[derive(Debug, snafu::Snafu)]
#[snafu(display("unknown phase \"{phase}\""))]
pub struct UnknownPhase {
    pub phase: String,
}
