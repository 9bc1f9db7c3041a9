INSERT INTO sign_in_links (token_hash, user_id, expires_at)
VALUES ($1, $2, $3)
