SELECT uid, tenant, name, description, actions, indexes, expires_at, salted, root, created_at, updated_at
FROM keys
WHERE tenant = $1 AND NOT root
ORDER BY created_at DESC, uid DESC
LIMIT $2 OFFSET $3
