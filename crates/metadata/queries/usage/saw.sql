-- What was seen first says when the run began, what was seen last how far it went.
INSERT INTO container_runs (container, restarts, tenant, index_id, role, size, started_at, seen_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (container, restarts) DO UPDATE SET seen_until = excluded.seen_until
WHERE container_runs.seen_until < excluded.seen_until
