    query,
    CAST(coalesce(sum(no_hits), 0) AS BIGINT) AS no_hits, CAST(coalesce(sum(clicks), 0) AS BIGINT) AS clicks,
    CAST(coalesce(sum(positions), 0) AS BIGINT) AS positions, CAST(coalesce(sum(conversions), 0) AS BIGINT) AS conversions
FROM query_hours
WHERE index_id = $1 AND hour >= $2 AND hour < $3
GROUP BY query
