INSERT INTO invitations (id, token_hash, tenant, email, role, invited_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
