DROP FUNCTION incidents_alive;
DROP INDEX ix_incident_alive;
DROP TRIGGER announce ON whistle_event;
DROP FUNCTION announce_whistle;
