INSERT INTO tenants (id, name, status, plan, created_at)
VALUES ($1, $2, $3, $4, $5)
