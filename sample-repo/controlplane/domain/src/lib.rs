//! What the control plane talks about: principals, relations and the checks on them.

use serde::{Deserialize, Serialize};

/// Somebody or something that may act.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal(pub String);

/// One statement: `principal` has `relation` to `object`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Relation {
    pub principal: Principal,
    pub relation: String,
    pub object: String,
}

impl Relation {
    /// Read a relation from one line of JSON.
    pub fn from_json(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }
}

/// All relations that are known, in the order in which they came.
#[derive(Debug, Default)]
pub struct Relations(Vec<Relation>);

impl Relations {
    /// Add a relation; adding one twice changes nothing.
    pub fn insert(&mut self, relation: Relation) -> bool {
        let new = !self.0.contains(&relation);
        if new {
            self.0.push(relation);
        }
        new
    }

    /// Whether the principal has the relation to the object.
    pub fn allows(&self, principal: &str, relation: &str, object: &str) -> bool {
        self.0.iter().any(|known| {
            known.principal.0 == principal && known.relation == relation && known.object == object
        })
    }

    /// How many relations are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_counts_once() {
        let line = r#"{"principal":"ann","relation":"owns","object":"doc"}"#;
        let mut relations = Relations::default();
        assert!(relations.insert(Relation::from_json(line).unwrap()));
        assert!(!relations.insert(Relation::from_json(line).unwrap()));
        assert!(relations.allows("ann", "owns", "doc"));
        assert_eq!(relations.len(), 1);
    }
}
