INSERT INTO identities (issuer, subject, user_id, created_at)
VALUES ($1, $2, $3, $4)
