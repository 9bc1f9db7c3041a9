-- $2 to $6, $13 and $14 are JSON arrays; a parameter that is null restricts nothing.
-- $13: patterns, each an index uid or the start of one followed by `*`; a task without an index matches none.
WHERE tenant = $1
  AND ($2 IS NULL OR uid IN (SELECT item::bigint FROM json_array_elements_text($2::json) AS item))
  AND ($3 IS NULL OR status IN (SELECT item FROM json_array_elements_text($3::json) AS item))
  AND ($4 IS NULL OR kind IN (SELECT item FROM json_array_elements_text($4::json) AS item))
  AND ($5 IS NULL OR index_uid IN (SELECT item FROM json_array_elements_text($5::json) AS item))
  AND ($6 IS NULL OR canceled_by IN (SELECT item::bigint FROM json_array_elements_text($6::json) AS item))
  AND ($7 IS NULL OR enqueued_at < $7)
  AND ($8 IS NULL OR enqueued_at > $8)
  AND ($9 IS NULL OR started_at < $9)
  AND ($10 IS NULL OR started_at > $10)
  AND ($11 IS NULL OR finished_at < $11)
  AND ($12 IS NULL OR finished_at > $12)
  AND ($13 IS NULL OR EXISTS (
    SELECT 1
    FROM json_array_elements_text($13::json) AS pattern (value)
    WHERE pattern.value = index_uid OR pattern.value = substr(index_uid, 1, length(pattern.value) - 1) || '*'
  ))
  AND ($14 IS NULL OR batch_uid IN (SELECT item::bigint FROM json_array_elements_text($14::json) AS item))
