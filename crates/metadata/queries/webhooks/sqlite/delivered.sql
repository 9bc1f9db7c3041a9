DELETE FROM deliveries
WHERE webhook = $1 AND task IN (SELECT value FROM json_each($2))
