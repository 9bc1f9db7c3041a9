//! Amounts of money, as pages write them.

use super::texts::Language;

/// The sign of a currency, and the decimal places of its amounts; of others than these the code is written.
pub(super) fn known(currency: &str) -> Option<(&'static str, usize)> {
    match currency {
        "EUR" => Some(("€", 2)),
        "USD" => Some(("$", 2)),
        "GBP" => Some(("£", 2)),
        "KRW" => Some(("₩", 0)),
        "JPY" => Some(("¥", 0)),
        _ => None,
    }
}

/// The currency of amounts, and how they are written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Money {
    sign: String,
    places: usize,
}

impl Money {
    pub(super) fn of(currency: &str) -> Self {
        let (sign, places) = known(currency).map_or_else(|| (format!("{currency} "), 2), |(sign, places)| (sign.to_owned(), places));
        Self { sign, places }
    }

    /// An amount; one that two more places save from being rounded away has them.
    pub(super) fn amount(&self, amount: f64) -> String {
        let smallest = 0.1_f64.powi(i32::try_from(self.places).unwrap_or(2));
        let shown = (smallest / 200.0)..smallest;
        let places = if shown.contains(&amount) { self.places + 2 } else { self.places };
        self.exact(amount, places)
    }

    /// A price, with all that matters of it.
    pub(super) fn price(&self, price: f64) -> String {
        let places = (self.places..=6).find(|places| (price - rounded(price, *places)).abs() < 1e-9).unwrap_or(6);
        self.exact(price, places)
    }

    fn exact(&self, amount: f64, places: usize) -> String {
        let text = format!("{amount:.places$}");
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
        let whole = Language::En.number(whole.parse().unwrap_or(0));
        if rest.is_empty() { format!("{}{whole}", self.sign) } else { format!("{}{whole}.{rest}", self.sign) }
    }
}

fn rounded(value: f64, places: usize) -> f64 {
    format!("{value:.places$}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_for_people() {
        let euro = Money::of("EUR");
        for (amount, text) in [(0.0, "€0.00"), (12.345, "€12.35"), (1234.5, "€1,234.50"), (0.0012, "€0.0012")] {
            assert_eq!(euro.amount(amount), text);
        }
        assert_eq!(Money::of("KRW").amount(12_345.6), "₩12,346");
        assert_eq!(Money::of("CHF").amount(1.0), "CHF 1.00");
        for (price, text) in [(0.012, "€0.012"), (2.0, "€2.00"), (0.25, "€0.25")] {
            assert_eq!(euro.price(price), text);
        }
    }
}
