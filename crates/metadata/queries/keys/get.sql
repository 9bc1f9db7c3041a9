SELECT uid, tenant, name, description, actions, indexes, expires_at, salted, root, created_at, updated_at
FROM keys
WHERE tenant = $1 AND uid = $2
