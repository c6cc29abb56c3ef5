//! The names that `rename_all` makes, as serde makes them.

/// One of serde's ways to write a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    /// The way that this text of an attribute names.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// The name of a field, which is in snake case in the source.
    pub fn of_field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => pascal(name),
            Self::Camel => first_lower(&pascal(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// The name of a variant, which is in Pascal case in the source.
    pub fn of_variant(self, name: &str) -> String {
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => first_lower(name),
            Self::Snake => snake(name),
            Self::ScreamingSnake => snake(name).to_ascii_uppercase(),
            Self::Kebab => snake(name).replace('_', "-"),
            Self::ScreamingKebab => snake(name).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    let mut begins = true;
    for character in name.chars() {
        if character == '_' {
            begins = true;
        } else if begins {
            pascal.push(character.to_ascii_uppercase());
            begins = false;
        } else {
            pascal.push(character);
        }
    }
    pascal
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (index, character) in name.char_indices() {
        if index > 0 && character.is_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

fn first_lower(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn names_are_written_as_serde_writes_them() {
        for (text, field, variant) in [
            ("lowercase", "max_idle_time", "updatelayout"),
            ("UPPERCASE", "MAX_IDLE_TIME", "UPDATELAYOUT"),
            ("PascalCase", "MaxIdleTime", "UpdateLayout"),
            ("camelCase", "maxIdleTime", "updateLayout"),
            ("snake_case", "max_idle_time", "update_layout"),
            ("SCREAMING_SNAKE_CASE", "MAX_IDLE_TIME", "UPDATE_LAYOUT"),
            ("kebab-case", "max-idle-time", "update-layout"),
            ("SCREAMING-KEBAB-CASE", "MAX-IDLE-TIME", "UPDATE-LAYOUT"),
        ] {
            let case = Case::parse(text).expect("one of serde's");
            assert_eq!(case.of_field("max_idle_time"), field, "{text}");
            assert_eq!(case.of_variant("UpdateLayout"), variant, "{text}");
        }
        assert_eq!(Case::parse("Title Case"), None);
    }
}
