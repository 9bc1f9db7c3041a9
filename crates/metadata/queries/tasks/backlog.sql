-- Costs what is under way, however much is over.
SELECT
    count(*),
    min(enqueued_at),
    (SELECT count(*) FROM (SELECT DISTINCT index_id, seq FROM tasks WHERE finished_at IS NULL AND seq IS NOT NULL) AS entries)
FROM tasks
WHERE finished_at IS NULL
