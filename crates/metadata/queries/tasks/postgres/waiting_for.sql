-- How many of the tasks of a JSON array are not at their end.
SELECT count(*)
FROM tasks
WHERE tenant = $1 AND finished_at IS NULL AND uid IN (SELECT item::bigint FROM json_array_elements_text($2::json) AS item)
