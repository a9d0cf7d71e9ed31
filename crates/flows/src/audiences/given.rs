//! A tree that somebody sends: what cannot be read in it is told with its node.

use analytics::audience::{Node, TreeError};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A tree as it was given, read, or with the place where it cannot be.
#[derive(Debug, Clone)]
pub struct GivenTree(Result<Node, TreeError>);

impl GivenTree {
    /// The tree.
    ///
    /// # Errors
    /// The node that cannot be read, and why.
    pub fn node(self) -> Result<Node, TreeError> {
        self.0
    }

    /// The tree, if it can be read.
    #[must_use]
    pub fn readable(&self) -> Option<&Node> {
        self.0.as_ref().ok()
    }
}

impl<'de> Deserialize<'de> for GivenTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(Node::deserialize(&value).map_err(|error| fault(&value, &error))))
    }
}

/// Where the first fault of `value` is. What joins conditions is read as a whole, so its parts are read again, one by
/// one.
fn fault(value: &Value, error: &serde_json::Error) -> TreeError {
    let mut path = Vec::new();
    let (mut value, mut message) = (value, error.to_string());
    while let Some((step, part, error)) = wrong_part(value) {
        path.push(step);
        (value, message) = (part, error.to_string());
    }
    TreeError { path: path.join("."), message }
}

/// The first part of a node that is no node, with the step that leads to it.
fn wrong_part(value: &Value) -> Option<(String, &Value, serde_json::Error)> {
    let kind = value.get("kind")?.as_str()?;
    let of = value.get("of")?;
    let parts: Vec<(String, &Value)> = match kind {
        "all" | "any" => {
            let parts = of.as_array()?.iter().enumerate();
            parts.map(|(at, part)| (format!("{kind}[{at}]"), part)).collect()
        }
        "not" => vec![(kind.to_owned(), of)],
        _ => return None,
    };
    parts.into_iter().find_map(|(step, part)| {
        let error = Node::deserialize(part).err()?;
        Some((step, part, error))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_with_its_node() {
        let read = |tree: Value| serde_json::from_value::<GivenTree>(tree).unwrap().node();
        let good = json!({"kind": "all", "of": [{"kind": "not", "of": {"kind": "rating", "bounds": {"min": 3}}}]});
        assert!(read(good).is_ok());
        for (tree, path, word) in [
            (
                json!({"kind": "all", "of": [{"kind": "all", "of": []}, {"kind": "not", "of": {"kind": "rating"}}]}),
                "all[1].not",
                "missing field `bounds`",
            ),
            (
                json!({"kind": "any", "of": [{"kind": "ratings"}]}),
                "any[0]",
                "unknown variant `ratings`",
            ),
            (
                json!({"kind": "not", "of": {"kind": "rating", "bounds": {"min": "x"}}}),
                "not",
                "invalid type",
            ),
            (json!({"kind": "all", "of": 3}), "", "invalid type"),
            (json!([]), "", "kind"),
        ] {
            let error = read(tree.clone()).unwrap_err();
            assert_eq!(error.path, path, "{tree}");
            assert!(error.message.contains(word), "{tree}: {error}");
        }
    }
}
