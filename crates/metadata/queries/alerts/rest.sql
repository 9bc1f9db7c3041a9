UPDATE spending_alerts
SET retry_at = $2
WHERE tenant = $1
