-- Two look-ups at the ends of an index, instead of a pass over all that is between.
SELECT
    (SELECT seq FROM tasks WHERE index_id = $1 AND seq IS NOT NULL AND finished_at IS NULL ORDER BY seq LIMIT 1),
    (SELECT seq FROM tasks WHERE index_id = $1 AND seq IS NOT NULL AND finished_at IS NULL ORDER BY seq DESC LIMIT 1)
