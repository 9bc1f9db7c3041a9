WHERE id = (SELECT user_id FROM sign_in_links WHERE token_hash = $1 AND expires_at > $2)
