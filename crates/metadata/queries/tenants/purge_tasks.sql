-- Some at a time: there may be a million, and others wait for a database that has one writer.
DELETE FROM tasks
WHERE tenant = $1 AND uid IN (SELECT uid FROM tasks WHERE tenant = $1 ORDER BY uid LIMIT 10000)
