-- Once a month: `$4` is its beginning.
UPDATE spending_alerts
SET passed_at = $2, passed_cost = $3, untold = (url IS NOT NULL), failures = 0, retry_at = NULL
WHERE tenant = $1 AND (passed_at IS NULL OR passed_at < $4)
