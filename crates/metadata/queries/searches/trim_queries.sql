DELETE FROM query_hours
WHERE hour < $1
