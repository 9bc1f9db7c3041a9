-- $2: JSON array of patterns, each a uid or the start of one followed by `*`; null: every index.
WHERE tenant = $1
  AND deleted_at IS NULL
  AND ($2 IS NULL OR EXISTS (
    SELECT 1
    FROM json_each($2) AS pattern
    WHERE pattern.value = uid OR pattern.value = substr(uid, 1, length(pattern.value) - 1) || '*'
  ))
