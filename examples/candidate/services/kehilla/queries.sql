-- What kehilla sends to the database.
SELECT count(*) FROM shuls;
