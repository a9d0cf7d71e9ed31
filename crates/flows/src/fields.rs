//! Names of the fields that roles have rules for, as `identity::roles::FIELDS` lists them.

pub(crate) use customers::fields::{
    ACCOUNTS, BIRTHDAY, EMAIL, NAME, NOTES, OF_IDENTITIES, PHONE, RATING, REGION, TAGS, of_identity,
};

pub(crate) const AMOUNTS: &str = "commerce.amounts";
pub(crate) const RECEIVER: &str = "commerce.receiver";
pub(crate) const REMARKS: &str = "commerce.remarks";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_know_these_fields_and_no_others() {
        let ours = [
            NAME, ACCOUNTS, PHONE, EMAIL, BIRTHDAY, REGION, RATING, TAGS, NOTES, AMOUNTS, RECEIVER,
            REMARKS,
        ];
        let known: Vec<&str> = identity::roles::FIELDS.iter().map(|(field, _)| *field).collect();
        assert_eq!(known, ours);
    }
}
