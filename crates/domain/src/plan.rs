//! Plans: how much a tenant may have, and what it costs. A table of the configuration, like that of the sizes.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::{
    ApiError, Code, IndexId,
    container::{Selection, SizeTable},
};

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Indexes that a tenant may have.
    pub max_indexes: u32,
    /// Replicas that may be selected for one index.
    pub max_replicas_per_index: u32,
    /// Replicas that may be selected for all indexes together.
    pub max_replicas: u32,
    /// Documents of all indexes together.
    pub max_documents: u64,
    /// Bytes that all indexes may store together.
    pub max_storage: ByteSize,
    /// Requests a second; never more than `limits.requests_per_second`.
    pub requests_per_second: u32,
    /// Names of the sizes that may be selected; none: all of them.
    #[serde(default)]
    pub sizes: Vec<String>,
    /// Thousandths of a CPU of all selected searchers together.
    pub max_cpu_millis: u64,
    /// Memory of all selected searchers together.
    pub max_memory: ByteSize,
    /// What it costs.
    #[serde(default)]
    pub prices: Prices,
}

/// What a plan costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// The code of the currency, such as `EUR`.
    pub currency: String,
    /// An hour of a container, by size; a size that is not named costs nothing.
    pub container_hour: BTreeMap<String, f64>,
    /// A GiB stored for a month of 730 hours.
    pub storage_gib_month: f64,
    /// A million searches.
    pub million_searches: f64,
}

/// Hours of a month, for prices: a year has 8760.
pub const MONTH_HOURS: f64 = 730.0;

impl Default for Prices {
    fn default() -> Self {
        Self { currency: "EUR".to_owned(), container_hour: BTreeMap::new(), storage_gib_month: 0.0, million_searches: 0.0 }
    }
}

/// The plans, and which of them a tenant begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanTable {
    /// The plan of a tenant for which none is named, or one that is not there any more.
    pub default: String,
    /// The plan of a tenant that signs up by itself.
    pub sign_up: String,
    /// All plans, smallest first.
    pub list: Vec<Plan>,
}

impl Default for PlanTable {
    fn default() -> Self {
        let prices = |small: f64, medium: f64, large: f64, storage_gib_month, million_searches| Prices {
            container_hour: BTreeMap::from([("small".to_owned(), small), ("medium".to_owned(), medium), ("large".to_owned(), large)]),
            storage_gib_month,
            million_searches,
            ..Prices::default()
        };
        let free = Plan {
            name: "free".to_owned(),
            max_indexes: 3,
            max_replicas_per_index: 1,
            max_replicas: 3,
            max_documents: 100_000,
            max_storage: ByteSize::gib(1),
            requests_per_second: 20,
            sizes: vec!["small".to_owned()],
            max_cpu_millis: 1500,
            max_memory: ByteSize::mib(768),
            prices: Prices::default(),
        };
        let team = Plan {
            name: "team".to_owned(),
            max_indexes: 50,
            max_replicas_per_index: 8,
            max_replicas: 64,
            max_documents: 20_000_000,
            max_storage: ByteSize::gib(100),
            requests_per_second: 500,
            sizes: vec!["small".to_owned(), "medium".to_owned()],
            max_cpu_millis: 64_000,
            max_memory: ByteSize::gib(64),
            prices: prices(0.012, 0.04, 0.16, 0.25, 2.0),
        };
        let scale = Plan {
            name: "scale".to_owned(),
            max_indexes: 10_000,
            max_replicas_per_index: Selection::MAX_REPLICAS,
            max_replicas: 10_000,
            max_documents: 10_000_000_000,
            max_storage: ByteSize::tib(10),
            requests_per_second: 10_000,
            sizes: Vec::new(),
            max_cpu_millis: 10_000_000,
            max_memory: ByteSize::tib(10),
            prices: prices(0.01, 0.035, 0.14, 0.2, 1.0),
        };
        Self { default: "scale".to_owned(), sign_up: "free".to_owned(), list: vec![free, team, scale] }
    }
}

impl PlanTable {
    /// The plan of a tenant.
    pub fn of(&self, name: Option<&str>) -> &Plan {
        let named = |name: &str| self.list.iter().find(|plan| plan.name == name);
        name.and_then(named).or_else(|| named(&self.default)).unwrap_or(&self.list[0])
    }

    /// The plan of this name, or an error that names those there are.
    pub fn get(&self, name: &str) -> Result<&Plan, ApiError> {
        self.list.iter().find(|plan| plan.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.list.iter().map(|plan| plan.name.as_str()).collect();
            ApiError::new(Code::BadRequest, format!("There is no plan `{name}`: expected one of {}.", names.join(", ")))
        })
    }

    /// What is wrong with the table, if anything.
    pub fn validate(&self, sizes: &SizeTable) -> Result<(), String> {
        for (what, name) in [("plans.default", &self.default), ("plans.sign_up", &self.sign_up)] {
            if !self.list.iter().any(|plan| plan.name == *name) {
                return Err(format!("{what} is `{name}`, but plans.list has no plan of that name"));
            }
        }
        for plan in &self.list {
            // Who has other sizes and has not looked at the plans yet is not kept from starting.
            let configured = self.list != Self::default().list;
            if configured && let Some(unknown) = plan.sizes.iter().find(|name| sizes.get(name).is_err()) {
                return Err(format!("the plan `{}` allows the size `{unknown}`, which is not in sizes", plan.name));
            }
            let Prices { container_hour, storage_gib_month, million_searches, .. } = &plan.prices;
            let mut prices = container_hour.values().chain([storage_gib_month, million_searches]);
            if prices.any(|price| !price.is_finite() || *price < 0.0) {
                return Err(format!("the plan `{}` has a price that is no amount of 0 or more", plan.name));
            }
            if plan.requests_per_second == 0 {
                return Err(format!("the plan `{}` allows no requests at all", plan.name));
            }
        }
        Ok(())
    }
}

/// An index, and what is selected for it.
pub type Selected = (IndexId, Selection);

/// What a selection costs while it is awake.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The code of the currency.
    pub currency: String,
    /// All replicas for an hour; of a range, the most.
    pub per_hour: f64,
    /// All replicas for a month of 730 hours, if the index never sleeps; of a range, the most.
    pub per_month: f64,
}

impl Plan {
    /// What a selection costs while it is awake; asleep it costs its storage only.
    pub fn price(&self, selection: &Selection) -> Price {
        let hour = self.prices.container_hour.get(&selection.size).copied().unwrap_or(0.0);
        let per_hour = money(hour * f64::from(selection.most_replicas()));
        Price { currency: self.prices.currency.clone(), per_hour, per_month: money(per_hour * MONTH_HOURS) }
    }

    /// Whether a size may be selected.
    pub fn allows_size(&self, name: &str) -> bool {
        self.sizes.is_empty() || self.sizes.iter().any(|size| size == name)
    }

    /// Whether the tenant may have `after` in the place of `before`: what is selected for all of its indexes. What is over a limit already may
    /// stay or shrink, so that a tenant of a smaller plan is not locked in; one index that is over it makes no room for another.
    pub fn check_selections(&self, before: &[Selected], after: &[Selected], sizes: &SizeTable) -> Result<(), ApiError> {
        let taken = |selected: &[Selected]| Taken::of(selected.iter().map(|(_, selection)| selection), sizes);
        let (had, has) = (taken(before), taken(after));
        let replicas_before: BTreeMap<IndexId, u32> = before.iter().map(|(index, selected)| (*index, selected.most_replicas())).collect();
        let grown = after.iter().filter_map(|(index, selected)| {
            let replicas = selected.most_replicas();
            (replicas > replicas_before.get(index).copied().unwrap_or(0)).then_some(u64::from(replicas))
        });
        let most_grown = grown.max().unwrap_or(0);
        let measures = [
            ("indexes", had.indexes, has.indexes, u64::from(self.max_indexes)),
            ("replicas for one index", 0, most_grown, u64::from(self.max_replicas_per_index)),
            ("replicas for all indexes together", had.replicas, has.replicas, u64::from(self.max_replicas)),
            ("thousandths of a CPU for all replicas together", had.cpu_millis, has.cpu_millis, self.max_cpu_millis),
            ("bytes of memory for all replicas together", had.memory, has.memory, self.max_memory.as_u64()),
        ];
        for (what, had, has, most) in measures {
            if has > most && has > had {
                return Err(self.exceeded(what, has, most));
            }
        }
        let beyond = |selected: &[Selected]| selected.iter().filter(|(_, selection)| !self.allows_size(&selection.size)).count();
        if beyond(after) > beyond(before) {
            let message =
                format!("The plan `{}` has these sizes only: {}. Choose one of them, or a larger plan.", self.name, self.sizes.join(", "));
            return Err(ApiError::new(Code::QuotaExceeded, message));
        }
        Ok(())
    }

    /// Whether there is room for more documents: `documents` and `bytes` are what all indexes would hold.
    pub fn check_room(&self, documents: u64, bytes: u64) -> Result<(), ApiError> {
        if documents > self.max_documents {
            return Err(self.exceeded("documents in all indexes together", documents, self.max_documents));
        }
        if bytes > self.max_storage.as_u64() {
            return Err(self.exceeded("bytes stored in all indexes together", bytes, self.max_storage.as_u64()));
        }
        Ok(())
    }

    fn exceeded(&self, what: &str, wanted: u64, most: u64) -> ApiError {
        let message = format!(
            "The plan `{}` has at most {most} {what}, and this would make it {wanted}. Remove something, or choose a larger plan.",
            self.name
        );
        ApiError::new(Code::QuotaExceeded, message)
    }
}

/// How much selections take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Indexes.
    pub indexes: u64,
    /// Replicas of all.
    pub replicas: u64,
    /// Thousandths of a CPU of all replicas.
    pub cpu_millis: u64,
    /// Bytes of memory of all replicas.
    pub memory: u64,
}

impl Taken {
    /// What these selections take. A size that is not there any more takes nothing.
    pub fn of<'a>(selections: impl IntoIterator<Item = &'a Selection>, sizes: &SizeTable) -> Self {
        selections.into_iter().fold(Self::default(), |taken, selection| {
            let replicas = u64::from(selection.most_replicas());
            let size = sizes.0.iter().find(|size| size.name == selection.size);
            Self {
                indexes: taken.indexes + 1,
                replicas: taken.replicas + replicas,
                cpu_millis: taken.cpu_millis + size.map_or(0, |size| u64::from(size.cpu_millis) * replicas),
                memory: taken.memory + size.map_or(0, |size| size.memory.as_u64() * replicas),
            }
        })
    }
}

/// An amount as it is told: to a millionth.
pub fn money(amount: f64) -> f64 {
    (amount * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Autoscale, Target};

    fn selections(replicas: &[u32]) -> Vec<Selection> {
        replicas.iter().map(|replicas| Selection { replicas: *replicas, ..Selection::new("small") }).collect()
    }

    /// What is selected for the first, the second, ... index.
    fn selected(replicas: &[u32]) -> Vec<Selected> {
        (0..).map(|number| IndexId(uuid::Uuid::from_u128(number))).zip(selections(replicas)).collect()
    }

    #[test]
    fn the_defaults_are_in_order_and_an_unknown_plan_is_the_default() {
        let (plans, sizes) = (PlanTable::default(), SizeTable::default());
        assert_eq!(plans.validate(&sizes), Ok(()));
        assert_eq!(
            [plans.of(None), plans.of(Some("gone")), plans.of(Some("free"))].map(|plan| plan.name.as_str()),
            ["scale", "scale", "free"]
        );
        assert!(plans.get("huge").unwrap_err().message.contains("free, team, scale"));
        assert!(PlanTable { default: "x".to_owned(), ..plans }.validate(&sizes).is_err());
    }

    #[test]
    fn a_selection_has_a_price_for_an_hour_and_a_month() {
        let plans = PlanTable::default();
        let price = plans.of(Some("team")).price(&selections(&[3])[0]);
        assert_eq!((price.per_hour, price.per_month, price.currency.as_str()), (0.036, 26.28, "EUR"));
        assert!(plans.of(Some("free")).price(&selections(&[1])[0]).per_month.abs() < 1e-9);
        let range = Autoscale { min: 1, max: 3, target: Target::ConcurrentSearches(8) };
        let ranged = Selection { autoscale: Some(range), ..Selection::new("small") };
        assert_eq!(plans.of(Some("team")).price(&ranged), price);
        assert_eq!(Taken::of(&[ranged], &SizeTable::default()).replicas, 3);
    }

    #[test]
    fn each_quota_is_kept_and_what_is_over_it_may_shrink() {
        let (plans, sizes) = (PlanTable::default(), SizeTable::default());
        let free = plans.of(Some("free"));
        let check = |before: &[u32], after: &[u32]| free.check_selections(&selected(before), &selected(after), &sizes);
        assert_eq!(check(&[1, 1], &[1, 1, 1]), Ok(()));
        for (before, after, what) in [(&[1, 1, 1][..], &[1, 1, 1, 0][..], "3 indexes"), (&[1], &[2], "1 replicas for one index")] {
            let error = check(before, after).unwrap_err();
            assert_eq!(error.code, Code::QuotaExceeded);
            assert!(error.message.contains(what), "{error}");
        }
        assert_eq!(check(&[4, 4, 4, 4, 4], &[4, 4, 4, 4]), Ok(()));
        let large = vec![(IndexId(uuid::Uuid::nil()), Selection::new("large"))];
        assert!(free.check_selections(&[], &large, &sizes).unwrap_err().message.contains("at most"));
        let roomy = Plan { max_cpu_millis: u64::MAX, max_memory: ByteSize::tib(1), ..free.clone() };
        assert!(roomy.check_selections(&[], &large, &sizes).unwrap_err().message.contains("these sizes only: small"));
        assert_eq!(roomy.check_selections(&large, &large, &sizes), Ok(()));
    }

    #[test]
    fn an_index_that_is_over_its_quota_makes_no_room_for_another() {
        let (plans, sizes) = (PlanTable::default(), SizeTable::default());
        let team = plans.of(Some("team"));
        let check = |before: &[u32], after: &[u32]| team.check_selections(&selected(before), &selected(after), &sizes);
        for after in [&[12, 8][..], &[11, 1], &[12], &[12, 1, 8]] {
            assert_eq!(check(&[12, 1], after), Ok(()), "{after:?}");
        }
        for after in [&[12, 9][..], &[12, 12], &[13, 1], &[1, 9], &[12, 1, 9]] {
            let error = check(&[12, 1], after).unwrap_err();
            assert!(error.message.contains("8 replicas for one index"), "{after:?}: {error}");
        }
    }

    #[test]
    fn documents_and_storage_are_bounded() {
        let plans = PlanTable::default();
        let free = plans.of(Some("free"));
        assert_eq!(free.check_room(100_000, 1 << 30), Ok(()));
        assert!(free.check_room(100_001, 0).unwrap_err().message.contains("documents"));
        assert!(free.check_room(0, (1 << 30) + 1).unwrap_err().message.contains("stored"));
    }
}
