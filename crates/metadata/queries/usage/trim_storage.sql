-- Of what is old, the last step of each index stays, unless it is the end.
DELETE FROM storage_steps
WHERE
    hour < $1
    AND (
        bytes = 0
        OR EXISTS (
            SELECT 1 FROM storage_steps AS later
            WHERE later.index_id = storage_steps.index_id AND later.hour > storage_steps.hour AND later.hour <= $1
        )
    )
