DELETE FROM deliveries
WHERE webhook = $1 AND added_at < $2
