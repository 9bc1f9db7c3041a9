-- Another amount may be passed anew in the same month.
INSERT INTO spending_alerts (tenant, amount, url)
VALUES ($1, $2, $3)
ON CONFLICT (tenant) DO UPDATE SET
    passed_at = CASE WHEN spending_alerts.amount = excluded.amount THEN spending_alerts.passed_at END,
    passed_cost = CASE WHEN spending_alerts.amount = excluded.amount THEN spending_alerts.passed_cost END,
    untold = spending_alerts.untold AND spending_alerts.amount = excluded.amount AND excluded.url IS NOT NULL,
    amount = excluded.amount,
    url = excluded.url,
    failures = 0,
    retry_at = NULL
