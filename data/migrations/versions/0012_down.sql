-- Incidents that came from other systems stay, those of the history too; what only the newer form can tell goes.
DROP TRIGGER tell_status ON incident;
DROP TRIGGER date_catalogue ON category;
DROP POLICY system_reports ON incident;
DROP POLICY system_reports ON incident_event;
DROP POLICY system_reports ON incident_route;
DROP POLICY system_reports ON incident_deadline;
DROP FUNCTION open_handover, open311_requests, hand_on, tell_status, tell_system, known_place;
DROP TABLE open311_request, category_question, catalogue_change, webhook_delivery, webhook, handover_detail, handover, handover_rule, handover_list, api_token;
DROP FUNCTION is_dispute, keep_handover_list, date_catalogue;
