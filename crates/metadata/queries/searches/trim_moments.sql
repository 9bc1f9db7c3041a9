DELETE FROM search_moments
WHERE until < $1
