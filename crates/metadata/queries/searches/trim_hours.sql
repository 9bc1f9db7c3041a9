DELETE FROM search_hours
WHERE hour < $1
