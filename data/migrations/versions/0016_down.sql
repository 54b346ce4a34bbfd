-- What is a file outside the database can't be told by the older form: those rows go, the files stay.
DROP TABLE track_point, visit, round_mark, shift, round_item;
DROP FUNCTION forget_tracks;
ALTER TABLE category DROP COLUMN needs_after_photo;
DELETE FROM incident_photo WHERE content IS NULL;
ALTER TABLE incident_photo DROP CONSTRAINT ck_incident_photo_kept, DROP CONSTRAINT ck_incident_photo_file, DROP CONSTRAINT ck_incident_photo_stage,
  DROP COLUMN file, DROP COLUMN size_bytes, DROP COLUMN stage, ALTER COLUMN content SET NOT NULL;
