AND batch_uid IS NOT NULL AND ($15 IS NULL OR batch_uid <= $15)
ORDER BY batch_uid DESC
LIMIT $16
