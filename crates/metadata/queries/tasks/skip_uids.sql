-- A restored task may be newer than the counter of a database that was restored from a backup.
UPDATE tenants
SET next_task = $2 + 1
WHERE id = $1 AND next_task <= $2
