//! What a sound promotion is.

use kernel::FieldErrors;

use crate::cart::{check_amount, check_text};
use crate::catalogue::Platform;
use crate::promotion::{Kind, Measure, PriceChange, Promotion, Scope, Step, StepOff};
use crate::{FULL_BPS, MAX_LIST, MAX_QUANTITY, MAX_STEPS};

impl Promotion {
    /// Checks the definition against itself and the rules of the platform.
    ///
    /// # Errors
    /// All wrong fields at once, by their path.
    pub fn check(&self, platform: &Platform) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        check_text(&mut errors, || "id".to_owned(), &self.id);
        if self.name.len() > crate::MAX_TEXT_BYTES {
            errors.push("name", format!("at most {} bytes", crate::MAX_TEXT_BYTES));
        }
        for (field, group) in
            [("exclusive_group", &self.exclusive_group), ("stacking_group", &self.stacking_group)]
        {
            if let Some(group) = group {
                check_text(&mut errors, || field.to_owned(), group);
            }
        }
        for (field, list) in self.conditions.lists() {
            if list.len() > MAX_LIST {
                errors.push(field, format!("{} entries; at most {MAX_LIST}", list.len()));
            }
        }
        check_amount(
            &mut errors,
            "conditions.minimum_amount_minor",
            self.conditions.minimum_amount_minor,
        );
        check_amount(&mut errors, "budget_left_minor", self.budget_left_minor.unwrap_or(0));
        let is_empty =
            |start, end| matches!((start, end), (Some(start), Some(end)) if start >= end);
        if is_empty(self.period.starts_at, self.period.ends_at) {
            errors.push("period.ends_at", "must be after starts_at");
        }
        self.calendar.check(&mut errors);
        self.check_place(&mut errors);
        self.check_kind(platform, &mut errors);
        errors.finish(|| Some(()))
    }

    /// Kinds that can be only in certain scopes or no coupons.
    fn check_place(&self, errors: &mut FieldErrors) {
        let is_price = self.stage() == crate::Stage::Price;
        if self.coupon && is_price {
            errors.push("coupon", "a price rule cannot be a coupon");
        }
        if self.coupon && self.scope == Scope::Item {
            errors.push("scope", "a coupon is used once, so its scope is `order`");
        }
        if matches!(self.kind, Kind::FreeShipping { .. }) && self.scope == Scope::Item {
            errors.push("scope", "shipping is of the order, so the scope is `order`");
        }
        if is_price && self.conditions.exclude_discounted {
            errors.push("conditions.exclude_discounted", "a price rule comes before any discount");
        }
        if matches!(self.kind, Kind::FlashSale { .. }) && self.budget_left_minor.is_some() {
            errors.push("budget_left_minor", "a flash sale ends with its stock and has no budget");
        }
        let is_timed = matches!(self.kind, Kind::TimedDiscount { .. } | Kind::FlashSale { .. });
        if is_timed && self.period.starts_at.is_none() {
            errors
                .push("period.starts_at", "a timed discount or flash sale begins at a set moment");
        }
    }

    fn check_kind(&self, platform: &Platform, errors: &mut FieldErrors) {
        let mut amount = |field: &str, value: i64| {
            check_amount(errors, field, value);
        };
        match &self.kind {
            Kind::FlashSale { unit_price_minor, .. } => {
                amount("kind.unit_price_minor", *unit_price_minor);
            }
            Kind::AmountOff { threshold_minor, off_minor, cap_minor, .. } => {
                amount("kind.threshold_minor", *threshold_minor);
                amount("kind.off_minor", *off_minor);
                amount("kind.cap_minor", cap_minor.unwrap_or(0));
            }
            Kind::NForPrice { price_minor, .. } => amount("kind.price_minor", *price_minor),
            Kind::Gift { threshold_minor, .. } => {
                amount("kind.threshold_minor", *threshold_minor);
            }
            Kind::PercentOff { cap_minor, .. }
            | Kind::Tiered { cap_minor, .. }
            | Kind::FreeShipping { cap_minor } => amount("kind.cap_minor", cap_minor.unwrap_or(0)),
            Kind::TimedDiscount { price: PriceChange::Less { off_minor } } => {
                amount("kind.price.off_minor", *off_minor);
            }
            Kind::TimedDiscount { price: PriceChange::Fixed { unit_price_minor } } => {
                amount("kind.price.unit_price_minor", *unit_price_minor);
            }
            _ => {}
        }
        match &self.kind {
            Kind::LevelDiscount { levels } => check_levels(levels, platform, errors),
            Kind::TimedDiscount { price: PriceChange::Rate { pay_bps } } => {
                check_rate(errors, "kind.price.pay_bps", *pay_bps);
            }
            Kind::PercentOff { pay_bps, .. } => check_rate(errors, "kind.pay_bps", *pay_bps),
            Kind::Tiered { by, steps, .. } => check_steps(*by, steps, errors),
            Kind::NForPrice { pieces, sets, .. } => {
                check_pieces(errors, "kind.pieces", *pieces);
                if *sets == Some(0) {
                    errors.push("kind.sets", "must be at least 1");
                }
            }
            Kind::BuyNPayM { buy, pay } => {
                check_pieces(errors, "kind.buy", *buy);
                if pay >= buy {
                    errors.push("kind.pay", "must be less than `buy`");
                }
            }
            Kind::NthPiece { every, pay_bps } => {
                check_pieces(errors, "kind.every", *every);
                if *pay_bps >= FULL_BPS {
                    errors.push("kind.pay_bps", "must be 0 to 9999");
                }
            }
            Kind::AmountOff { threshold_minor: 0, repeat: true, .. }
            | Kind::Gift { threshold_minor: 0, repeat: true, .. } => {
                errors.push("kind.repeat", "only a threshold above 0 can repeat");
            }
            _ => {}
        }
        if let Kind::Gift { gifts, times, .. } = &self.kind {
            if gifts.is_empty() || gifts.len() > MAX_STEPS {
                errors.push("kind.gifts", format!("must be 1 to {MAX_STEPS}"));
            }
            if *times == Some(0) {
                errors.push("kind.times", "must be at least 1");
            }
            for (index, gift) in gifts.iter().enumerate() {
                let field = |name: &str| format!("kind.gifts[{index}].{name}");
                check_text(errors, || field("product"), &gift.product);
                check_amount(errors, &field("value_minor"), gift.value_minor);
                if !(1..=MAX_QUANTITY).contains(&gift.quantity) {
                    errors.push(field("quantity"), format!("must be 1 to {MAX_QUANTITY}"));
                }
            }
        }
    }
}

fn check_rate(errors: &mut FieldErrors, field: &str, pay_bps: u32) {
    if !(1..FULL_BPS).contains(&pay_bps) {
        errors.push(field, "what is paid, in basis points: must be 1 to 9999 (8500 is 85 折)");
    }
}

fn check_pieces(errors: &mut FieldErrors, field: &str, pieces: u32) {
    if !(2..=MAX_QUANTITY).contains(&pieces) {
        errors.push(field, format!("must be 2 to {MAX_QUANTITY}"));
    }
}

fn check_levels(levels: &[crate::LevelRate], platform: &Platform, errors: &mut FieldErrors) {
    if levels.is_empty() || levels.len() > MAX_STEPS {
        errors.push("kind.levels", format!("must be 1 to {MAX_STEPS}"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (index, rate) in levels.iter().enumerate() {
        let field = |name: &str| format!("kind.levels[{index}].{name}");
        if !seen.insert(rate.level.as_str()) {
            errors.push(field("level"), "this level has a rate already");
        }
        check_text(errors, || field("level"), &rate.level);
        check_rate(errors, &field("pay_bps"), rate.pay_bps);
        if rate.pay_bps < platform.level_floor_bps {
            let floor = platform.level_floor_bps;
            errors.push(
                field("pay_bps"),
                format!("the platform allows no level to pay less than {floor} basis points"),
            );
        }
    }
}

/// Steps rise in what they ask and in what they give: else a larger cart could get less.
fn check_steps(by: Measure, steps: &[Step], errors: &mut FieldErrors) {
    if steps.is_empty() || steps.len() > MAX_STEPS {
        errors.push("kind.steps", format!("must be 1 to {MAX_STEPS}"));
    }
    for (index, step) in steps.iter().enumerate() {
        let field = |name: &str| format!("kind.steps[{index}].{name}");
        check_amount(errors, &field("from"), step.from);
        if by == Measure::Pieces && step.from < 1 {
            errors.push(field("from"), "must be at least 1 piece");
        }
        match step.off {
            StepOff::Amount { off_minor } => {
                check_amount(errors, &field("off.off_minor"), off_minor);
            }
            StepOff::Rate { pay_bps } => check_rate(errors, &field("off.pay_bps"), pay_bps),
        }
        let Some(before) = index.checked_sub(1).and_then(|before| steps.get(before)) else {
            continue;
        };
        if step.from <= before.from {
            errors.push(field("from"), "must be more than that of the step before");
        }
        let gives_more = match (before.off, step.off) {
            (StepOff::Amount { off_minor: less }, StepOff::Amount { off_minor }) => {
                off_minor > less
            }
            (StepOff::Rate { pay_bps: more }, StepOff::Rate { pay_bps }) => pay_bps < more,
            _ => false,
        };
        if !gives_more {
            errors.push(field("off"), "must give more than the step before, of the same sort");
        }
    }
}
