//! A report as a table.

use std::fmt::Write;

use super::report::UsageReport;

/// One line a result, after one of names.
pub(super) fn table(report: &UsageReport) -> String {
    let mut text =
        "key,containerSeconds,byteHours,searches,documents,costContainers,costStorage,costSearches,costTotal,currency\n".to_owned();
    for used in &report.results {
        let (totals, cost) = (&used.totals, &used.totals.cost);
        // Uids, sizes, times and numbers have nothing that needs quotes; a currency is the operator's.
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{}",
            used.key,
            totals.container_seconds,
            totals.byte_hours,
            totals.searches,
            totals.documents,
            cost.containers,
            cost.storage,
            cost.searches,
            cost.total,
            report.currency
        );
    }
    text
}
