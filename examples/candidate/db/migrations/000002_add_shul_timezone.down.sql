ALTER TABLE shuls DROP COLUMN timezone;
