SELECT spending_alerts.tenant, spending_alerts.amount, spending_alerts.url, spending_alerts.passed_at, spending_alerts.passed_cost, spending_alerts.untold
FROM spending_alerts
JOIN tenants ON tenants.id = spending_alerts.tenant AND tenants.status <> 'deleted'
WHERE untold AND (retry_at IS NULL OR retry_at <= $1)
ORDER BY tenant
