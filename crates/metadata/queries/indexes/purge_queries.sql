-- What was searched for in an index goes with it.
DELETE FROM query_hours
WHERE index_id = $1
