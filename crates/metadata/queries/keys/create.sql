INSERT INTO keys (uid, tenant, secret_hash, name, description, actions, indexes, expires_at, salted, root, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
