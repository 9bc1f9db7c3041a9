DELETE FROM count_batches
WHERE added_at < $1
