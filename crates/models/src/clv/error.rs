//! What keeps a lifetime value from being computed, and what would be needed.

/// Customers that a fit needs at least. A rule of this house: with fewer, four parameters follow
/// single customers.
pub const MIN_CUSTOMERS: u64 = 50;
/// Customers with a repeat purchase that a fit needs at least. A rule of this house.
pub const MIN_REPEAT_CUSTOMERS: u64 = 10;

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClvError {
    /// Nobody bought before the end of the calibration.
    #[error(
        "too little history: nobody bought up to {calibration_end}; at least {MIN_CUSTOMERS} customers are needed"
    )]
    NoCustomers {
        /// Last day of the calibration, ISO.
        calibration_end: String,
    },
    /// All purchases are of one customer.
    #[error(
        "too little history: all purchases are of one customer; a model of how customers differ needs at least {MIN_CUSTOMERS}"
    )]
    OneCustomer,
    /// Fewer customers than a fit needs.
    #[error("too little history: {found} customers; at least {needed} are needed")]
    TooFewCustomers {
        /// Customers there are.
        found: u64,
        /// Customers needed.
        needed: u64,
    },
    /// Nobody came back.
    #[error(
        "too little history: none of {customers} customers bought on a second day; at least {MIN_REPEAT_CUSTOMERS} customers must have"
    )]
    NoRepeatPurchase {
        /// Customers there are.
        customers: u64,
    },
    /// Too few came back.
    #[error(
        "too little history: {found} customers bought on a second day; at least {needed} must have"
    )]
    TooFewRepeatCustomers {
        /// Customers with a repeat purchase.
        found: u64,
        /// Customers needed.
        needed: u64,
    },
    /// Too few repeat buyers whose purchases have a value.
    #[error(
        "too little history: {found} repeat buyers have a mean spend above zero; at least {needed} are needed for a model of spend"
    )]
    TooFewSpenders {
        /// Repeat buyers with spend.
        found: u64,
        /// Repeat buyers needed.
        needed: u64,
    },
    /// Columns that belong together differ in length.
    #[error("column `{column}` has {found} values where {expected} are expected")]
    Lengths {
        /// Which column.
        column: &'static str,
        /// Its length.
        found: usize,
        /// Length of the others.
        expected: usize,
    },
    /// An ordinal or a number of rows beyond the limit.
    #[error("{what} {found} is beyond the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// An amount that is not a finite number from zero.
    #[error(
        "transaction {index}: the amount {amount} is not a finite number from 0; leave returns out or net them first"
    )]
    BadAmount {
        /// Which transaction, from 0.
        index: usize,
        /// Its amount.
        amount: f64,
    },
    /// A day outside the calendar that is believed.
    #[error("transaction {index}: day {day} is not between 1900-01-01 and 2200-01-01")]
    BadDay {
        /// Which transaction, from 0.
        index: usize,
        /// Days since 1970-01-01.
        day: i64,
    },
    /// The end of the observation lies before the end of the calibration.
    #[error(
        "the observation ends on {observation_end}, before the calibration on {calibration_end}"
    )]
    EndsDisagree {
        /// Last day of the calibration, ISO.
        calibration_end: String,
        /// Last day observed, ISO.
        observation_end: String,
    },
    /// Counts and times of a customer contradict each other.
    #[error(
        "customer {index}: frequency {frequency}, recency {recency} and age {age} contradict each other; needed is 0 <= recency <= age, finite, and recency 0 without repeat purchases"
    )]
    BadSummary {
        /// Which customer, from 0.
        index: usize,
        /// Repeat purchases.
        frequency: u32,
        /// Time of the last purchase.
        recency: f64,
        /// Time observed.
        age: f64,
    },
    /// Nobody was observed for any time.
    #[error(
        "too little history: every customer's first purchase is on the last day of the calibration"
    )]
    NoTime,
    /// A parameter that the model does not allow.
    #[error("{model}: parameter {name} is {value}, but must be a finite number above 0")]
    BadParameter {
        /// The model.
        model: &'static str,
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// The likelihood rises towards the edge of what parameters may be.
    #[error(
        "{model}: the likelihood has no maximum inside the limits, parameter {name} runs off to {value:e}; the purchases do not show the differences between customers that the model describes"
    )]
    AtTheEdge {
        /// The model.
        model: &'static str,
        /// The parameter.
        name: &'static str,
        /// Where it had got to.
        value: f64,
    },
    /// The search ended without a maximum.
    #[error(
        "{model}: no maximum of the likelihood found in {evaluations} evaluations; the steepest slope left is {slope:e} a customer"
    )]
    NotConverged {
        /// The model.
        model: &'static str,
        /// Evaluations of the likelihood.
        evaluations: u32,
        /// Largest derivative of the mean log-likelihood by a log-parameter.
        slope: f64,
    },
    /// The prior mean of the spend does not exist.
    #[error(
        "Gamma-Gamma: q is {q}, at most 1, so the mean spend of a customer without repeat purchases does not exist"
    )]
    NoMeanSpend {
        /// The parameter.
        q: f64,
    },
    /// A horizon that is not a number of days from zero.
    #[error("the horizon of {days} days is not a number from 0 to {limit}")]
    BadHorizon {
        /// Days asked for.
        days: f64,
        /// Most days allowed.
        limit: f64,
    },
    /// A margin or scale that makes no sense.
    #[error("{name} is {value}, but must be a finite number from 0")]
    BadOption {
        /// Which.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A value left the numbers.
    #[error("{model}: {what} is not a finite number for these parameters")]
    NotFinite {
        /// The model.
        model: &'static str,
        /// What was computed.
        what: &'static str,
    },
}

impl ClvError {
    /// Whether more history, and nothing else, would help.
    #[must_use]
    pub fn is_too_little_history(&self) -> bool {
        matches!(
            self,
            Self::NoCustomers { .. }
                | Self::OneCustomer
                | Self::TooFewCustomers { .. }
                | Self::NoRepeatPurchase { .. }
                | Self::TooFewRepeatCustomers { .. }
                | Self::TooFewSpenders { .. }
                | Self::NoTime
        )
    }
}
