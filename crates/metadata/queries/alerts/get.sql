SELECT tenant, amount, url, passed_at, passed_cost, untold
FROM spending_alerts
WHERE tenant = $1
