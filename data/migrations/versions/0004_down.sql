-- 0004 undone.
DROP TABLE crosswalk_code, crosswalk_layer, crosswalk;
DELETE FROM job WHERE kind = 'merge';
ALTER TABLE job DROP CONSTRAINT ck_job_kind;
ALTER TABLE job ADD CONSTRAINT ck_job_kind CHECK (kind IN ('rebalance', 'gaps'));
