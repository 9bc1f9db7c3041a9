DELETE FROM spending_alerts
WHERE tenant = $1
