SELECT
    query,
    CAST(coalesce(sum(searches), 0) AS BIGINT) AS searches, CAST(coalesce(sum(no_hits), 0) AS BIGINT) AS no_hits,
    CAST(coalesce(sum(clicks), 0) AS BIGINT) AS clicks, CAST(coalesce(sum(positions), 0) AS BIGINT) AS positions,
    CAST(coalesce(sum(conversions), 0) AS BIGINT) AS conversions,
    CAST(coalesce(sum(l0), 0) AS BIGINT) AS l0, CAST(coalesce(sum(l1), 0) AS BIGINT) AS l1,
    CAST(coalesce(sum(l2), 0) AS BIGINT) AS l2, CAST(coalesce(sum(l3), 0) AS BIGINT) AS l3,
    CAST(coalesce(sum(l4), 0) AS BIGINT) AS l4, CAST(coalesce(sum(l5), 0) AS BIGINT) AS l5,
    CAST(coalesce(sum(l6), 0) AS BIGINT) AS l6, CAST(coalesce(sum(l7), 0) AS BIGINT) AS l7,
    CAST(coalesce(sum(l8), 0) AS BIGINT) AS l8, CAST(coalesce(sum(l9), 0) AS BIGINT) AS l9,
    CAST(coalesce(sum(l10), 0) AS BIGINT) AS l10, CAST(coalesce(sum(l11), 0) AS BIGINT) AS l11,
    CAST(coalesce(sum(l12), 0) AS BIGINT) AS l12, CAST(coalesce(sum(l13), 0) AS BIGINT) AS l13,
    CAST(coalesce(sum(l14), 0) AS BIGINT) AS l14, CAST(coalesce(sum(l15), 0) AS BIGINT) AS l15
FROM query_hours
WHERE index_id = $1 AND hour >= $2 AND hour < $3
GROUP BY query
