-- Of each index and hour between two times, the queries that were searched for most stay, and those that found nothing.
DELETE FROM query_hours
WHERE
    hour >= $1 AND hour < $2
    AND (index_id, hour, query) IN (
        SELECT index_id, hour, query
        FROM (
            SELECT
                index_id, hour, query,
                row_number() OVER (PARTITION BY index_id, hour ORDER BY searches DESC, clicks DESC, query) AS place,
                row_number() OVER (PARTITION BY index_id, hour ORDER BY no_hits DESC, searches DESC, query) AS empty_place
            FROM query_hours
            WHERE hour >= $1 AND hour < $2
        ) AS placed
        WHERE place > $3 AND empty_place > $3 / 4
    )
