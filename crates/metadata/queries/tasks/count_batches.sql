SELECT count(DISTINCT batch_uid)
FROM tasks
