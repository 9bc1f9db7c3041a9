SELECT id, user_id, created_at, seen_at, expires_at, user_agent, address
FROM sessions
WHERE token_hash = $1 AND expires_at > $2 AND seen_at > $3
