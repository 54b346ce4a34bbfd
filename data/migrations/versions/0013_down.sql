DELETE FROM service_item WHERE facility_kind = 'exchange_point';
DELETE FROM facility WHERE kind = 'exchange_point';
ALTER TABLE service_item DROP CONSTRAINT ck_service_item_facility_kind, ADD CONSTRAINT ck_service_item_facility_kind
  CHECK (facility_kind IN ('station', 'canteen', 'elder_care', 'parking', 'refuse_point'));
ALTER TABLE facility DROP CONSTRAINT ck_facility_kind, ADD CONSTRAINT ck_facility_kind
  CHECK (kind IN ('station', 'canteen', 'elder_care', 'parking', 'refuse_point'));
DROP TABLE points_transfer, points_account, order_event, service_order, volunteer;
DROP FUNCTION keep_points, book_points;
DROP SEQUENCE order_code_seq;
DROP POLICY resident_turns ON incident_deadline;
DROP POLICY resident_adds ON incident_event;
DROP POLICY resident_sees ON incident_event;
DROP POLICY resident_answers ON incident;
DROP POLICY resident_reports ON incident;
DROP POLICY resident_sees ON incident;
DROP POLICY resident_adds ON incident_deadline;
DROP POLICY resident_adds ON incident_route;
DROP POLICY resident_adds ON incident_photo;
DROP POLICY resident_sees ON incident_request;
DROP POLICY resident_sees ON incident_photo;
DROP TABLE resident_contact, resident_report;
DROP FUNCTION report_place, erase_contacts, open_contact, find_report, scope_report;
