//! Decimal text into minor units, exactly.

use kernel::Currency;

use super::reason::Fault;

/// The largest amount believed, in minor units (a hundred billion yuan).
pub(super) const MAX_MINOR: i128 = 10_000_000_000_000;

const MAX_DIGITS: usize = 30;
/// Workbooks keep binary fractions: what lies beyond so many decimals is their noise.
const MEANT_DECIMALS: u32 = 8;

/// Why a text is not an amount or a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AmountError {
    NotANumber,
    /// More decimals than the currency has.
    TooPrecise,
    Negative,
    /// Beyond [`MAX_MINOR`].
    TooLarge,
    NotWhole,
}

impl AmountError {
    /// As the fault of a cell that holds `cell`.
    pub fn of_cell(self, cell: String, currency: Currency) -> Fault {
        match self {
            Self::NotANumber => Fault::NotANumber { cell },
            Self::TooPrecise => Fault::TooPrecise { cell, currency: currency.to_string() },
            Self::Negative => Fault::Negative { cell },
            Self::TooLarge => Fault::TooLarge { cell },
            Self::NotWhole => Fault::NotWhole { cell },
        }
    }

    /// As the fault of the product of some columns.
    pub fn of_product(self, product: String, currency: Currency) -> Fault {
        match self {
            Self::TooPrecise => {
                Fault::ProductTooPrecise { product, currency: currency.to_string() }
            }
            Self::Negative => Fault::ProductNegative { product },
            Self::NotANumber | Self::TooLarge | Self::NotWhole => {
                Fault::ProductTooLarge { product }
            }
        }
    }
}

/// A decimal number as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

/// Whether what is beyond the currency's decimals is refused or rounded half away from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Exact,
    HalfUp,
}

fn pow10(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

fn round_half_up(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest.abs() * 2 >= divisor { quotient + value.signum() } else { quotient }
}

impl Decimal {
    pub const ONE: Self = Self { digits: 1, scale: 0 };

    /// Reads `-1,234.50`, `¥12`, `0元`; with `decimal_comma`, `1.234,50`.
    pub fn parse(text: &str, decimal_comma: bool) -> Result<Self, AmountError> {
        let bare = text
            .trim()
            .trim_start_matches(['¥', '￥', '$', '£', '€'])
            .trim_end_matches(['元', '¥', '￥', '€', '圆'])
            .trim();
        let (negative, bare) = match bare.strip_prefix(['-', '－']) {
            Some(rest) => (true, rest),
            None => (false, bare.strip_prefix('+').unwrap_or(bare)),
        };
        let bare = bare.trim_start_matches(['¥', '￥', '$', '£', '€']);
        let (point, group) = if decimal_comma { (b',', b'.') } else { (b'.', b',') };
        let (mut digits, mut scale, mut count) = (0_i128, 0_u32, 0_usize);
        // Digits since the last group separator; `None` before the first one.
        let mut since_group: Option<usize> = None;
        let mut fraction = false;
        for byte in bare.bytes() {
            match byte {
                b'0'..=b'9' => {
                    count += 1;
                    if count > MAX_DIGITS {
                        return Err(AmountError::TooLarge);
                    }
                    digits = digits * 10 + i128::from(byte - b'0');
                    if fraction {
                        scale += 1;
                    } else if let Some(since) = &mut since_group {
                        *since += 1;
                    }
                }
                _ if byte == point && !fraction && since_group.is_none_or(|since| since == 3) => {
                    fraction = true;
                }
                _ if byte == group
                    && !fraction
                    && (1..=3).contains(&since_group.unwrap_or(count))
                    && since_group.is_none_or(|since| since == 3) =>
                {
                    since_group = Some(0);
                }
                _ => return Err(AmountError::NotANumber),
            }
        }
        if count == 0 || (!fraction && since_group.is_some_and(|since| since != 3)) {
            return Err(AmountError::NotANumber);
        }
        Ok(Self { digits: if negative { -digits } else { digits }, scale })
    }

    /// The exact product.
    pub fn times(self, rhs: Self) -> Result<Self, AmountError> {
        let digits = self.digits.checked_mul(rhs.digits).ok_or(AmountError::TooLarge)?;
        Ok(Self { digits, scale: self.scale + rhs.scale })
    }

    pub fn abs(self) -> Self {
        Self { digits: self.digits.abs(), ..self }
    }

    /// Whether this is at most `limit`.
    pub fn at_most(self, limit: i64) -> bool {
        pow10(self.scale).is_some_and(|unit| self.digits <= i128::from(limit).saturating_mul(unit))
    }

    fn rescaled(self, scale: u32, rounding: Rounding) -> Result<i128, AmountError> {
        let mut value = self;
        if rounding == Rounding::Exact && value.scale > MEANT_DECIMALS.max(scale) {
            let kept = MEANT_DECIMALS.max(scale);
            let divisor = pow10(value.scale - kept).ok_or(AmountError::TooPrecise)?;
            value = Self { digits: round_half_up(value.digits, divisor), scale: kept };
        }
        if value.scale <= scale {
            let factor = pow10(scale - value.scale).ok_or(AmountError::TooLarge)?;
            return value.digits.checked_mul(factor).ok_or(AmountError::TooLarge);
        }
        let divisor = pow10(value.scale - scale).ok_or(AmountError::TooPrecise)?;
        if rounding == Rounding::Exact && value.digits % divisor != 0 {
            return Err(AmountError::TooPrecise);
        }
        Ok(round_half_up(value.digits, divisor))
    }

    /// In minor units of `currency`, signed.
    pub fn minor(self, currency: Currency, rounding: Rounding) -> Result<i64, AmountError> {
        let minor = self.rescaled(currency.exponent(), rounding)?;
        if minor.abs() > MAX_MINOR {
            return Err(AmountError::TooLarge);
        }
        i64::try_from(minor).map_err(|_| AmountError::TooLarge)
    }

    /// As a whole number of pieces.
    pub fn whole(self) -> Result<i64, AmountError> {
        let whole = match self.rescaled(0, Rounding::Exact) {
            Err(AmountError::TooPrecise) => return Err(AmountError::NotWhole),
            other => other?,
        };
        if whole.abs() > MAX_MINOR {
            return Err(AmountError::TooLarge);
        }
        i64::try_from(whole).map_err(|_| AmountError::TooLarge)
    }

    /// As a number of pieces, goods by weight or length rounded up to the next whole.
    pub fn pieces(self) -> Result<i64, AmountError> {
        match self.whole() {
            Err(AmountError::NotWhole) => {
                let unit = pow10(self.scale).ok_or(AmountError::TooPrecise)?;
                i64::try_from(self.digits.div_euclid(unit) + 1).map_err(|_| AmountError::TooLarge)
            }
            other => other,
        }
    }
}

/// An amount that may not be below zero.
pub(super) fn not_negative(minor: i64) -> Result<i64, AmountError> {
    if minor < 0 { Err(AmountError::Negative) } else { Ok(minor) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fen(text: &str) -> Result<i64, AmountError> {
        Decimal::parse(text, false)?.minor(Currency::CNY, Rounding::Exact)
    }

    #[test]
    fn reads_what_platforms_write() {
        assert_eq!(fen("201.12"), Ok(20_112));
        assert_eq!(fen("0元"), Ok(0));
        assert_eq!(fen("￥1,234.5"), Ok(123_450));
        assert_eq!(fen("-¥3"), Ok(-300));
        assert_eq!(fen("12,345,678.90"), Ok(1_234_567_890));
        assert_eq!(fen(".5"), Ok(50));
        assert_eq!(fen("201.12000000000003"), Ok(20_112));
        assert_eq!(fen("1.005"), Err(AmountError::TooPrecise));
        for wrong in
            ["", "-", "元", "1,23", "1,2345", "1.2.3", "12,34.5", "1e5", "abc", ",123", "1.2,3"]
        {
            assert_eq!(fen(wrong), Err(AmountError::NotANumber), "{wrong}");
        }
        assert_eq!(fen("100000000000.01"), Err(AmountError::TooLarge));
        assert_eq!(fen(&"9".repeat(40)), Err(AmountError::TooLarge));
        let comma = Decimal::parse("1.234,50", true).unwrap();
        assert_eq!(comma.minor(Currency::CNY, Rounding::Exact), Ok(123_450));
    }

    #[test]
    fn products_are_exact_and_rounded_once() {
        let product =
            Decimal::parse("0.285", false).unwrap().times(Decimal::parse("3", false).unwrap());
        // 0.855 rounds half up.
        assert_eq!(product.unwrap().minor(Currency::CNY, Rounding::HalfUp), Ok(86));
        assert_eq!(Decimal::parse("6.0", false).unwrap().whole(), Ok(6));
        assert_eq!(Decimal::parse("1.5", false).unwrap().whole(), Err(AmountError::NotWhole));
        assert_eq!(Decimal::parse("1.5", false).unwrap().pieces(), Ok(2));
    }

    proptest! {
        #[test]
        fn every_amount_round_trips(minor in -(MAX_MINOR as i64)..=(MAX_MINOR as i64)) {
            let sign = if minor < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100);
            prop_assert_eq!(fen(&text), Ok(minor));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.,元¥ e]{0,60}", comma: bool) {
            if let Ok(number) = Decimal::parse(&text, comma) {
                let _ = (number.minor(Currency::CNY, Rounding::HalfUp), number.whole(), number.pieces());
                let _ = number.times(number).and_then(|square| square.minor(Currency::CNY, Rounding::HalfUp));
            }
        }
    }
}
