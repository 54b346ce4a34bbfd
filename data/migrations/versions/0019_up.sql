-- 0019: an order that comes from a resident's report goes with its case: who dispatches the case offers it, the volunteer who takes
-- the order handles the case, and closing the case confirms the order.

ALTER TABLE service_order ADD COLUMN is_case BOOLEAN DEFAULT false NOT NULL,
  ADD CONSTRAINT ck_service_order_of_case CHECK (NOT is_case OR incident_id IS NOT NULL);
CREATE UNIQUE INDEX uq_service_order_case ON service_order (incident_id) WHERE is_case AND status NOT IN ('confirmed', 'cancelled');

-- Whether the account has taken the order that a case is handled as. That, and no role, lets a volunteer move the case on.
CREATE FUNCTION takes_case(wanted uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM service_order o WHERE o.is_case AND o.incident_id = wanted
    AND o.volunteer_id = scope_account() AND o.status IN ('accepted', 'done'))
$$;

-- Only who leads the place, and sees the case, makes its order.
DO $$
DECLARE
  in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
  leads text := '(SELECT scope_roles() && ''{community,street,dispatcher}''::text[])';
BEGIN
  EXECUTE format('CREATE POLICY of_case ON service_order AS RESTRICTIVE FOR INSERT TO yiwangtu_app WITH CHECK (NOT is_case OR (%s AND %s AND EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id)))', in_map, leads);
END $$;

-- The transaction names the case (scope_report), as that of a resident does who holds its code.
CREATE POLICY taker_moves ON incident FOR UPDATE TO yiwangtu_app
  USING (id = (SELECT scope_report()) AND takes_case(id)) WITH CHECK (status IN ('in_progress', 'resolved'));
CREATE POLICY taker_adds ON incident_event FOR INSERT TO yiwangtu_app
  WITH CHECK (incident_id = scope_report() AND account_id = scope_account() AND takes_case(incident_id)
    AND status IN ('in_progress', 'resolved'));

-- Who comes to help calls first: the number also opens to the volunteer who has taken the order, as long as that lasts.
CREATE OR REPLACE FUNCTION open_contact(wanted uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE kept record;
BEGIN
  SELECT i.code, c.phone INTO kept FROM resident_contact c JOIN incident i ON i.id = c.incident_id
    WHERE c.incident_id = wanted AND (takes_case(wanted) OR (
      scope_roles() && '{community,street,dispatcher,department}'::text[]
      AND (''::ltree = ANY (case_scope()) OR case_scope() @> i.path
           OR (i.department = ANY (scope_departments()) AND map_scope() @> i.path))));
  IF FOUND THEN
    INSERT INTO audit_event (account_id, action, subject) VALUES (scope_account(), 'contact.read', kept.code);
  END IF;
  RETURN kept.phone;
END $$;
