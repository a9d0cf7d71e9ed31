//! Tiers and cells in JSON: by their codes.

pub(super) mod tiers {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::rfm::Tier;

    pub(crate) fn serialize<S: Serializer>(tiers: &[Tier], s: S) -> Result<S::Ok, S::Error> {
        tiers.iter().map(|tier| tier.code()).collect::<Vec<_>>().serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Tier>, D::Error> {
        let codes = Vec::<String>::deserialize(d)?;
        codes.iter().map(|code| code.parse().map_err(D::Error::custom)).collect()
    }
}

pub(super) mod cell {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::rfm::CellPattern;

    pub(crate) fn serialize<S: Serializer>(cell: &CellPattern, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(cell)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<CellPattern, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}
