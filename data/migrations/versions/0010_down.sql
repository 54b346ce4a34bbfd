-- What was joined is as it was before; an event with more than a status, and its hash, can't be told by the older form.
UPDATE incident i SET status = m.status_before FROM incident_merge m WHERE m.incident_id = i.id AND m.parted_at IS NULL;
DROP TABLE incident_merge, incident_request, incident_route, routing_rule, routing_book, incident_deadline, office_hour, sla_rule;
DROP FUNCTION keep_routing, locate;
DROP INDEX ix_incident_merged_into;
ALTER TABLE incident DROP COLUMN merged_into;
ALTER TABLE incident_event DROP COLUMN detail;
ALTER TABLE category DROP CONSTRAINT ck_category_duplicate, DROP COLUMN is_local, DROP COLUMN duplicate_m, DROP COLUMN duplicate_hours;
