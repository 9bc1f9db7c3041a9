SELECT count(*)
FROM indexes
