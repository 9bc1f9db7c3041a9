UPDATE keys
SET name = $3, description = $4, updated_at = $5
WHERE tenant = $1 AND uid = $2
RETURNING uid, tenant, name, description, actions, indexes, expires_at, salted, root, created_at, updated_at
