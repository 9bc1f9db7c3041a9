INSERT INTO usage (container, started_at, tenant, index_id, size, seconds, generation)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (container, started_at) DO NOTHING
