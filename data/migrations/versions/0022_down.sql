CREATE OR REPLACE FUNCTION fill_courses() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE added bigint;
BEGIN
  INSERT INTO case_course SELECT n.* FROM case_course_now n
    WHERE NOT EXISTS (SELECT 1 FROM case_course c WHERE c.incident_id = n.incident_id);
  GET DIAGNOSTICS added = ROW_COUNT;
  RETURN added;
END $$;
