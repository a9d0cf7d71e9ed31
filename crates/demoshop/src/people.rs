//! Invented people: names as frequent as in life, accounts as people choose them.

use std::fmt::Write as _;

use crate::dice::{Dice, Topic};
use crate::names::{
    DOERS, DOINGS, GIVEN, GIVEN_ONE, MAIL_HOSTS, MOBILE_PREFIXES, MOODS, SURNAMES, Syllable,
};
use crate::places::{CITIES, City, ESTATES, STREETS};
use crate::plan::ShopPlan;

/// A person: the buyer behind an account, or somebody who receives gifts.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) mobile: String,
    pub(crate) landline: Option<String>,
    pub(crate) city: &'static City,
    pub(crate) district: &'static str,
    pub(crate) street: String,
    surname_latin: &'static str,
    given_latin: [&'static str; 2],
    birth_year: u64,
}

/// An account of the platform.
pub(crate) struct Account {
    pub(crate) nick: String,
    pub(crate) alipay: String,
    pub(crate) person: Person,
    /// Last four digits of the account's order numbers.
    pub(crate) tail: u64,
    /// What this account likes best, as an index into the catalogue's kinds.
    pub(crate) taste: u64,
}

/// Accounts that belong to a person who already has another, in a thousand.
const SECOND_ACCOUNTS: u64 = 14;
/// Coprime with every power of ten: multiplying by it visits every number once.
const STEP: u64 = 61_803_399;
/// The same for phones, so that a nick's digits do not give the phone away.
const PHONE_STEP: u64 = 38_196_601;

/// Which person is behind `account`: mostly its own, sometimes one with an earlier account.
fn person_behind(seed: u64, account: u64) -> u64 {
    let second = |account: u64| {
        let mut dice = Dice::new(seed, Topic::Account, account);
        (account > 0 && dice.chance(SECOND_ACCOUNTS)).then(|| dice.below(account))
    };
    match second(account) {
        // Nobody has three: the fourth phone of a chain would be a story of its own.
        Some(earlier) if second(earlier).is_none() => earlier,
        _ => account,
    }
}

/// The account with number `account`.
pub(crate) fn account(plan: &ShopPlan, account: u32) -> Account {
    let number = u64::from(account);
    let person = person(plan.seed, person_behind(plan.seed, number));
    let mut dice = Dice::new(plan.seed, Topic::Account, number);
    // Past the two draws of `person_behind`.
    dice.below(1);
    dice.below(1);
    let room = 10_u64.pow(plan.customers.ilog10() + 1);
    let unique = (number * STEP + plan.seed % room) % room;
    let nick = nick(&mut dice, &person, number, unique);
    let alipay = if dice.chance(580) {
        person.mobile.clone()
    } else {
        let [one, two] = person.given_latin;
        let family = person.surname_latin;
        let host = dice.weighted(&MAIL_HOSTS);
        match dice.below(3) {
            0 => format!("{family}{one}{two}{unique}@{host}"),
            1 => format!("{one}{two}.{family}{unique}@{host}"),
            _ => format!("{}{unique:05}@{host}", dice.within(10, 99)),
        }
    };
    Account { nick, alipay, person, tail: dice.below(10_000), taste: dice.below(1 << 16) }
}

/// A nick that no other account of the plan has. Each shape uses other characters or ends in
/// `unique`, so that two shapes never meet.
fn nick(dice: &mut Dice, person: &Person, number: u64, unique: u64) -> String {
    let [one, two] = person.given_latin;
    let family = person.surname_latin;
    let phrases = (MOODS.len() * DOERS.len() * DOINGS.len()) as u64;
    match dice.below(100) {
        0..30 => format!("tb{}_{unique}", dice.within(1000, 99_999)),
        30..48 => format!("{family}{one}{two}{unique}"),
        48..58 => format!("{one}{two}_{}_{unique}", person.birth_year),
        58..80 if number < phrases => {
            // 7919 is prime and divides none of the lists' lengths, so each phrase comes once.
            let mut index = (number * 7919 % phrases) as usize;
            let mut nick = String::with_capacity(30);
            for words in [&MOODS[..], &DOERS[..], &DOINGS[..]] {
                nick.push_str(words[index % words.len()]);
                index /= words.len();
            }
            nick
        }
        _ => format!("{}{}{unique}", dice.pick(&MOODS), dice.pick(&DOERS)),
    }
}

/// Somebody who gets gifts from `account`; `which` tells several apart.
pub(crate) fn gift_receiver(plan: &ShopPlan, account: u32, which: u64) -> Person {
    // Beyond every buyer, so that a receiver's phone is nobody else's.
    let index = u64::from(plan.customers) + u64::from(account) * 2 + which;
    person(plan.seed, index)
}

fn person(seed: u64, index: u64) -> Person {
    let mut dice = Dice::new(seed, Topic::Person, index);
    let surname = dice.weighted(&SURNAMES);
    let given: [Syllable; 2] = if dice.chance(170) {
        [dice.pick(&GIVEN_ONE), ("", "")]
    } else {
        [dice.pick(&GIVEN), dice.pick(&GIVEN)]
    };
    let city = dice.weighted(&CITIES);
    let mut street = String::with_capacity(60);
    let (road, house) = (dice.pick(&STREETS), dice.within(1, 388));
    // Writing into a String cannot fail.
    let _ = write!(street, "{road}{house}号{}", dice.pick(&ESTATES));
    let _ = match dice.below(3) {
        0 => write!(street, "{}栋{}室", dice.within(1, 30), dice.within(2, 28) * 100 + 1),
        1 => write!(street, "{}幢{}单元{}", dice.within(1, 18), dice.within(1, 4), 301),
        _ => write!(street, "{}座{}", dice.pick(&["A", "B", "C"]), dice.within(201, 2208)),
    };
    Person {
        name: format!("{}{}{}", surname.0, given[0].0, given[1].0),
        mobile: mobile(seed, index),
        landline: dice
            .chance(30)
            .then(|| format!("{}-{}", city.area_code, dice.within(20_000_000, 89_999_999))),
        district: dice.pick(city.districts),
        city,
        street,
        surname_latin: surname.1,
        given_latin: [given[0].1, given[1].1],
        birth_year: dice.within(1965, 2003),
    }
}

/// A number of valid form that no other person of the plan has.
fn mobile(seed: u64, index: u64) -> String {
    let rest = (index * PHONE_STEP + seed % 100_000_000) % 100_000_000;
    let lap = index / 100_000_000 + index;
    format!("{}{rest:08}", MOBILE_PREFIXES[lap as usize % MOBILE_PREFIXES.len()])
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn nicks_are_unique_and_some_phones_are_shared_by_two() {
        let to = NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
        let plan = ShopPlan::of_orders(60_000, to);
        let mut nicks = HashSet::new();
        let mut phones: HashMap<String, u32> = HashMap::new();
        for number in 0..plan.customers {
            let account = account(&plan, number);
            assert!(nicks.insert(account.nick.clone()), "{} twice", account.nick);
            let mobile = account.person.mobile;
            assert_eq!(mobile.len(), 11);
            assert!(mobile.starts_with('1') && (b'3'..=b'9').contains(&mobile.as_bytes()[1]));
            *phones.entry(mobile).or_default() += 1;
        }
        let shared = phones.values().filter(|count| **count > 1).count();
        assert!((150..450).contains(&shared), "{shared} shared phones among 20,000");
    }
}
