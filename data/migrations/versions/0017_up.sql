-- 0017: who dispatches may choose another department than the rules did.
ALTER TABLE incident_route DROP CONSTRAINT ck_incident_route_basis,
  ADD CONSTRAINT ck_incident_route_basis CHECK (basis IN ('rule', 'category', 'fallback', 'chosen'));
