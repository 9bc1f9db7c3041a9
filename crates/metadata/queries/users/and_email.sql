WHERE email = $1
