DELETE FROM search_moments
WHERE tenant = $1
