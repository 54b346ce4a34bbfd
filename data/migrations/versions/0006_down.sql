-- 0006 undone.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['unit', 'road', 'facility', 'sorting_zone'] LOOP
    EXECUTE format('DROP TRIGGER date_insert ON %I', t);
    EXECUTE format('DROP TRIGGER date_update ON %I', t);
    EXECUTE format('DROP TRIGGER date_delete ON %I', t);
  END LOOP;
END $$;
DROP FUNCTION date_layers;
DROP TABLE layer_date, target, standard_rule, rulebook;
DROP FUNCTION keep_rulebook;
