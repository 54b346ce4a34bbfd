-- The route by hand goes; the incident keeps the department that it has.
DELETE FROM incident_route WHERE basis = 'chosen';
ALTER TABLE incident_route DROP CONSTRAINT ck_incident_route_basis,
  ADD CONSTRAINT ck_incident_route_basis CHECK (basis IN ('rule', 'category', 'fallback'));
