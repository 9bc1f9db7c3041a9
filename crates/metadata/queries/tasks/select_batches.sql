SELECT DISTINCT batch_uid
FROM tasks
