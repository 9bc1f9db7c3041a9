INSERT INTO sessions (token_hash, id, user_id, created_at, seen_at, expires_at, user_agent, address)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
