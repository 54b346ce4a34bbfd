-- 0001 undone. The role yiwangtu_app stays: other databases of the server may use it.
DROP TABLE service_gap, plan_assignment, unit, incident_photo, incident_event, grid, session, plan, membership, kiosk_token, job, incident, facility, compound, sorting_zone, road, outbox, layer_revision, incident_cell, grid_scheme, category, barrier, audit_event, area, account CASCADE;
DROP SEQUENCE outbox_seq, incident_code_seq;
DROP FUNCTION map_scope, case_scope, scope_roles, handles_cases, scope_departments, scope_account, locate, place_incident,
  announce_incident, announce_layers, announce_job;
