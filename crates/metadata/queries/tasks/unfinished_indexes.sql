SELECT DISTINCT index_id
FROM tasks
WHERE finished_at IS NULL AND seq IS NOT NULL AND index_id IS NOT NULL
