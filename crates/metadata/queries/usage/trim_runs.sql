DELETE FROM container_runs
WHERE seen_until < $1
