ALTER TABLE shuls ADD COLUMN timezone varchar(50) DEFAULT 'America/New_York';
