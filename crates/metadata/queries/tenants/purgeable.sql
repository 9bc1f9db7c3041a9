-- Deleted, and without an index that is still to be removed.
SELECT id
FROM tenants
WHERE id = $1
    AND status = 'deleted'
    AND NOT EXISTS (SELECT 1 FROM indexes WHERE indexes.tenant = tenants.id)
