//! Names of the fields that roles have rules for, as `identity::roles::FIELDS` lists them.

pub(crate) const NAME: &str = "customers.name";
pub(crate) const ACCOUNTS: &str = "customers.accounts";
pub(crate) const PHONE: &str = "customers.phone";
pub(crate) const EMAIL: &str = "customers.email";
pub(crate) const REGION: &str = "customers.region";
pub(crate) const RATING: &str = "customers.rating";
pub(crate) const TAGS: &str = "customers.tags";
pub(crate) const NOTES: &str = "customers.notes";
pub(crate) const AMOUNTS: &str = "commerce.amounts";
pub(crate) const RECEIVER: &str = "commerce.receiver";
pub(crate) const REMARKS: &str = "commerce.remarks";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_know_these_fields_and_no_others() {
        let ours =
            [NAME, ACCOUNTS, PHONE, EMAIL, REGION, RATING, TAGS, NOTES, AMOUNTS, RECEIVER, REMARKS];
        let known: Vec<&str> = identity::roles::FIELDS.iter().map(|(field, _)| *field).collect();
        assert_eq!(known, ours);
    }
}
