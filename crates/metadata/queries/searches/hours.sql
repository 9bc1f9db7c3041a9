SELECT
    index_id, hour, searches, no_hits, clicks, positions, conversions, documents,
    l0, l1, l2, l3, l4, l5, l6, l7,
    l8, l9, l10, l11, l12, l13, l14, l15
FROM search_hours
WHERE tenant = $1 AND hour >= $2 AND hour < $3
ORDER BY hour, index_id
