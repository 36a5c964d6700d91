-- What zmanim sends to the database.
SELECT name FROM shuls WHERE id = $1;
