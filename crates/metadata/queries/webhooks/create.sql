INSERT INTO webhooks (id, tenant, url, headers, created_at, failures)
VALUES ($1, $2, $3, $4, $5, 0)
