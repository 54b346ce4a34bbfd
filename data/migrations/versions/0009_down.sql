DROP TABLE repeat;
DROP INDEX ix_incident_due;
ALTER TABLE incident_photo DROP COLUMN lon, DROP COLUMN lat;
ALTER TABLE incident DROP COLUMN occurred_at, DROP COLUMN received_at;
