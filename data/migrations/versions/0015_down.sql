DROP FUNCTION incidents_joined(timestamptz);
DROP FUNCTION incident_steps(uuid[], timestamptz);
DROP TABLE scene;
