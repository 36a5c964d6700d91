-- What shul sends to the database; it must work on the schema before and after each migration.
SELECT id, name FROM shuls ORDER BY name;
-- values: 'Beth El'
INSERT INTO shuls (name) VALUES ($1) RETURNING id;
