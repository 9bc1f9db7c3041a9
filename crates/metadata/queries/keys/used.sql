-- At most once a minute and key, however many gateways tell it: $4 is a minute before $3.
UPDATE keys
SET last_used_at = $3
WHERE tenant = $1 AND uid = $2 AND (last_used_at IS NULL OR last_used_at <= $4)
