DELETE FROM container_hours
WHERE hour < $1
