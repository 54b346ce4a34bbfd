DROP TABLE whistle_event, whistle_call, whistle, whistle_limit, whistle_reason, supervision, incident_step, supervision_rule;
DROP POLICY clock ON incident_event;
DROP POLICY clock ON incident_deadline;
DROP FUNCTION whistles_for, keep_history;
ALTER TABLE incident_deadline DROP COLUMN look_at;
ALTER TABLE incident DROP COLUMN warning_level;
