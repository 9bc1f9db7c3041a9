INSERT INTO tenants (id, name, status, created_at)
VALUES ($1, $2, $3, $4)
