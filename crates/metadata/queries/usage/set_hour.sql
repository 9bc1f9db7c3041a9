INSERT INTO container_hours (tenant, hour, index_id, size, role, micros)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, hour, index_id, size, role) DO UPDATE SET micros = excluded.micros
WHERE container_hours.micros <> excluded.micros
