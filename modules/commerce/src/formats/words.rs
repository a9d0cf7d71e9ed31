//! Reasons and evidence in the languages of the pages. The texts stand by code in `words/*.json`, which
//! the web reads too; `{{name}}` in them is an argument.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A language of texts for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Language {
    /// Chinese as written on the mainland.
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[default]
    #[serde(rename = "en-US")]
    English,
}

/// All texts of one language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Faults by code.
    pub reason: BTreeMap<String, String>,
    /// What stands around a fault.
    pub about: About,
    /// Evidence by code.
    pub evidence: BTreeMap<String, String>,
    /// Formats by name, for the argument `format`.
    pub format: BTreeMap<String, String>,
    /// Delimiters by name, for the argument `delimiter`.
    pub delimiter: BTreeMap<String, String>,
}

/// What stands around a fault.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub in_column: String,
    pub lines_lost: String,
    pub kept_back: String,
}

const CHINESE: &str = include_str!("../../words/zh-CN.json");
const ENGLISH: &str = include_str!("../../words/en-US.json");

/// A file that does not parse leaves codes for texts; a test looks that both do.
fn read(text: &str) -> Words {
    serde_json::from_str(text).unwrap_or_default()
}

impl Language {
    pub(super) fn words(self) -> &'static Words {
        static CHINESE_WORDS: LazyLock<Words> = LazyLock::new(|| read(CHINESE));
        static ENGLISH_WORDS: LazyLock<Words> = LazyLock::new(|| read(ENGLISH));
        match self {
            Self::Chinese => &CHINESE_WORDS,
            Self::English => &ENGLISH_WORDS,
        }
    }

    const fn comma(self) -> &'static str {
        match self {
            Self::Chinese => "、",
            Self::English => ", ",
        }
    }

    /// The text of `said`, an object with a `code` and its arguments, from `texts`.
    pub(super) fn tell(self, texts: &BTreeMap<String, String>, said: &impl Serialize) -> String {
        let Ok(Value::Object(said)) = serde_json::to_value(said) else { return String::new() };
        let code = said.get("code").and_then(Value::as_str).unwrap_or_default();
        match texts.get(code) {
            Some(text) => self.fill(text, &said),
            None => code.to_owned(),
        }
    }

    /// Puts the arguments into `text`, once: what they hold is not looked into.
    pub(super) fn fill(self, text: &str, arguments: &Map<String, Value>) -> String {
        let mut out = String::with_capacity(text.len() + 64);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, behind)) = after.split_once("}}") else { break };
            out.push_str(before);
            if let Some(value) = arguments.get(name) {
                self.push(&mut out, name, value);
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    fn push(self, out: &mut String, name: &str, value: &Value) {
        match value {
            Value::String(text) => {
                let known = match name {
                    "format" => self.words().format.get(text),
                    "delimiter" => self.words().delimiter.get(text),
                    _ => None,
                };
                out.push_str(known.unwrap_or(text));
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push_str(self.comma());
                    }
                    self.push(out, "", value);
                }
            }
            other => out.push_str(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::evidence::Evidence;
    use super::super::format::Format;
    use super::super::reason::Fault;
    use super::*;
    use utoipa::PartialSchema;

    /// The codes of a type with the names of their arguments, as the document tells them.
    fn codes<T: PartialSchema>() -> BTreeMap<String, BTreeSet<String>> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let one_of = schema["oneOf"].as_array().unwrap();
        let code = |one: &Value| one["properties"]["code"]["enum"][0].as_str().unwrap().to_owned();
        let arguments = |one: &Value| {
            let all = one["properties"].as_object().unwrap().keys().cloned();
            all.filter(|name| name != "code").collect()
        };
        one_of.iter().map(|one| (code(one), arguments(one))).collect()
    }

    fn variables(text: &str) -> BTreeSet<String> {
        let parts = text.split("{{").skip(1);
        parts.map(|part| part.split_once("}}").unwrap().0.to_owned()).collect()
    }

    #[test]
    fn every_code_has_its_text_with_its_arguments_in_both_languages() {
        for text in [CHINESE, ENGLISH] {
            let words: Words = serde_json::from_str(text).unwrap();
            for (texts, codes) in
                [(&words.reason, codes::<Fault>()), (&words.evidence, codes::<Evidence>())]
            {
                assert!(codes.len() > 10);
                let told = texts.iter().map(|(code, text)| (code.clone(), variables(text)));
                assert_eq!(told.collect::<BTreeMap<_, _>>(), codes);
            }
            for format in Format::ALL {
                assert!(words.format.contains_key(format.name()), "{format}");
            }
            for delimiter in ["comma", "tab", "semicolon", "pipe", "whitespace"] {
                assert!(words.delimiter.contains_key(delimiter), "{delimiter}");
            }
            assert_eq!(
                variables(&words.about.in_column),
                ["column", "text"].map(str::to_owned).into()
            );
            assert_eq!(variables(&words.about.lines_lost), ["lines"].map(str::to_owned).into());
            let kept_back = ["line", "rows", "order_no"].map(str::to_owned).into();
            assert_eq!(variables(&words.about.kept_back), kept_back);
        }
    }

    #[test]
    fn arguments_are_put_in_once() {
        let said = Fault::NotANumber { cell: "{{cell}} $t(x)".to_owned() };
        let words = Language::English.words();
        assert_eq!(
            Language::English.tell(&words.reason, &said),
            "`{{cell}} $t(x)` is not a number"
        );
    }
}
