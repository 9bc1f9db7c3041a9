INSERT INTO users (id, email, name, password_hash, operator, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
