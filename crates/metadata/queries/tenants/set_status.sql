-- A deleted tenant stays deleted: its name may be somebody else's by now.
UPDATE tenants
SET status = $2
WHERE id = $1 AND (status <> 'deleted' OR $2 = 'deleted')
