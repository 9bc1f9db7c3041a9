SELECT container, restarts, tenant, index_id, role, size, started_at, seen_until
FROM container_runs
WHERE seen_until >= $1
