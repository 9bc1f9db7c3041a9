//! What containers cost: the sizes of the tenant's plan with their prices, and amounts of money as text.

use onggi_domain::container::SizeTable;
use serde::Deserialize;
use serde_json::Value;

use crate::portal::money::known;

/// A price as the API tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Price {
    pub(super) currency: String,
    pub(super) per_hour: f64,
    pub(super) per_month: f64,
}

impl Price {
    /// For an hour.
    pub(super) fn hour(&self) -> String {
        money(&self.currency, self.per_hour)
    }

    /// For a month of 730 hours.
    pub(super) fn month(&self) -> String {
        money(&self.currency, self.per_month)
    }
}

/// A size that can be selected.
pub(super) struct Offer {
    pub(super) name: String,
    /// CPUs, such as `0.5`.
    pub(super) cpus: String,
    pub(super) memory: u64,
    pub(super) documents: u64,
    /// Whether the plan has it.
    pub(super) allowed: bool,
    /// A container for an hour; `None`: nobody counts.
    pub(super) hour: Option<f64>,
}

/// All sizes.
pub(super) struct Offers {
    pub(super) sizes: Vec<Offer>,
    pub(super) currency: String,
    /// The most replicas that one index may have.
    pub(super) most: u64,
}

impl Offers {
    /// From the answer of `GET /plan`.
    pub(super) fn of_plan(plan: &Value) -> Option<Self> {
        let sizes = plan["sizes"].as_array()?.iter().map(|size| {
            Some(Offer {
                name: size["name"].as_str()?.to_owned(),
                cpus: cpus(size["cpuMillis"].as_u64()?),
                memory: size["memoryBytes"].as_u64()?,
                documents: size["maxDocuments"].as_u64()?,
                allowed: size["allowed"].as_bool()?,
                hour: size["pricePerHour"].as_f64(),
            })
        });
        Some(Self {
            sizes: sizes.collect::<Option<Vec<Offer>>>()?,
            currency: plan["plan"]["prices"]["currency"].as_str()?.to_owned(),
            most: plan["plan"]["maxReplicasPerIndex"].as_u64()?,
        })
    }

    /// All that there are, where nobody counts.
    pub(super) fn of_sizes(sizes: &SizeTable, most: u32) -> Self {
        let offer = |size: &onggi_domain::container::Size| Offer {
            name: size.name.clone(),
            cpus: cpus(size.cpu_millis.into()),
            memory: size.memory.as_u64(),
            documents: size.max_documents,
            allowed: true,
            hour: None,
        };
        Self { sizes: sizes.0.iter().map(offer).collect(), currency: String::new(), most: most.into() }
    }

    /// What a container of a size costs for an hour, as text.
    pub(super) fn hour(&self, offer: &Offer) -> Option<String> {
        offer.hour.map(|hour| money(&self.currency, hour))
    }
}

fn cpus(millis: u64) -> String {
    (millis as f64 / 1000.0).to_string()
}

/// An amount: two places, more where two would hide it. `containers.js` writes it the same way.
pub(super) fn money(currency: &str, amount: f64) -> String {
    let Some((sign, places)) = known(currency) else { return format!("{amount:.2} {currency}") };
    let hidden = amount != 0.0 && amount.abs() < 10.0_f64.powi(1 - places as i32);
    let places = if hidden { places + 2 } else { places };
    format!("{sign}{amount:.places$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_amounts_are_not_hidden() {
        for (currency, amount, text) in [
            ("EUR", 8.76, "€8.76"),
            ("EUR", 0.012, "€0.0120"),
            ("EUR", 0.0, "€0.00"),
            ("KRW", 16.0, "₩16"),
            ("KRW", 2.5, "₩2.50"),
            ("CHF", 1.5, "1.50 CHF"),
        ] {
            assert_eq!(money(currency, amount), text);
        }
    }

    #[test]
    fn a_plan_says_which_sizes_there_are() {
        let plan = json!({
            "plan": {"maxReplicasPerIndex": 8, "prices": {"currency": "EUR"}},
            "sizes": [{"name": "small", "cpuMillis": 500, "memoryBytes": 1, "diskBytes": 2, "maxDocuments": 3, "allowed": false, "pricePerHour": 0.012}],
        });
        let offers = Offers::of_plan(&plan).unwrap();
        let size = &offers.sizes[0];
        assert_eq!((offers.most, size.cpus.as_str(), size.allowed, offers.hour(size).as_deref()), (8, "0.5", false, Some("€0.0120")));
        assert!(Offers::of_plan(&json!({})).is_none());
    }
}
