CREATE OR REPLACE FUNCTION open_contact(wanted uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE kept record;
BEGIN
  SELECT i.code, c.phone INTO kept FROM resident_contact c JOIN incident i ON i.id = c.incident_id
    WHERE c.incident_id = wanted AND scope_roles() && '{community,street,dispatcher,department}'::text[]
      AND (''::ltree = ANY (case_scope()) OR case_scope() @> i.path
           OR (i.department = ANY (scope_departments()) AND map_scope() @> i.path));
  IF FOUND THEN
    INSERT INTO audit_event (account_id, action, subject) VALUES (scope_account(), 'contact.read', kept.code);
  END IF;
  RETURN kept.phone;
END $$;
DROP POLICY taker_adds ON incident_event;
DROP POLICY taker_moves ON incident;
DROP POLICY of_case ON service_order;
DROP FUNCTION takes_case;
ALTER TABLE service_order DROP COLUMN is_case;
