CREATE TABLE ticker_data (ticker text PRIMARY KEY);
ALTER TABLE ticker_data ADD COLUMN price numeric;
