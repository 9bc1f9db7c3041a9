    index_id
FROM search_moments
WHERE tenant = $1 AND until > $2
GROUP BY index_id
