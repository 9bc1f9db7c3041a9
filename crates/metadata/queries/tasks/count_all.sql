SELECT count(*)
FROM tasks
