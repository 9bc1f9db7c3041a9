UPDATE usage_progress
SET settled_until = $1
WHERE settled_until < $1
