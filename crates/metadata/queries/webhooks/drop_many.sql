-- All but the newest.
DELETE FROM deliveries
WHERE webhook = $1 AND task <= (SELECT task FROM deliveries WHERE webhook = $1 ORDER BY task DESC LIMIT 1 OFFSET $2)
