/** What the server tells of cases, beside the shared shapes. */
import type { Incident, IncidentStatus } from "../shared/types";

export type RequestKind = "pause" | "extension" | "return";
export type LimitUnit = "emergency_hour" | "working_hour" | "working_day" | "natural_day";

export interface Words {
  words: string;
  words_en: string;
}

export interface Route extends Words {
  at: string;
  version: number | null;
  basis: "rule" | "category" | "fallback" | "chosen";
  body: string;
  grid_code: string | null;
  tied: string[];
  outside_m: number | null;
}

export interface Deadline extends Words {
  amount: number;
  unit: LimitUnit;
  source: string;
  time_zone: string;
  started_at: string;
  stopped_at: string | null;
  due_at: string | null;
  is_overdue: boolean | null;
}

export interface CaseEvent {
  seq: number;
  at: string;
  status: IncidentStatus;
  note: string | null;
  detail: Record<string, unknown> | null;
  by: string | null;
}

export interface CaseRequest {
  id: number;
  kind: RequestKind;
  reason: string;
  amount: number | null;
  asked_at: string;
  asked_by: string | null;
  decided_at: string | null;
  decided_by: string | null;
  is_granted: boolean | null;
  decision_note: string | null;
  ended_at: string | null;
  is_own: boolean;
}

export interface Joined {
  id: string;
  code: string;
  title: string;
  description: string | null;
  source: string;
  reported_at: string;
  photos: string[] | null;
}

export interface CaseFile {
  incident: Incident;
  moves: IncidentStatus[];
  may_ask: IncidentStatus[];
  routes: Route[];
  deadline: Deadline | null;
  events: CaseEvent[];
  requests: CaseRequest[];
  joined: Joined[];
  into: { id: string; code: string; title: string } | null;
  /** How exact a resident's place is, and whether a number was left; null where no resident reported it. */
  resident: { place: "device" | "grid" | "community"; has_phone: boolean } | null;
  may_lead: boolean;
  needs_after_photo: boolean;
  supervisions: Supervision[];
  whistles: WhistleNote[];
}

/** A matter that a higher level watches until it is answered and closed. */
export interface Supervision extends Words {
  id: number;
  incident: { id: string; code: string };
  to_name: string;
  opened_at: string;
  state: "open" | "replied" | "closed";
  reply: string | null;
  replied_by: string | null;
  replied_at: string | null;
  closing_note: string | null;
  closed_by: string | null;
  closed_at: string | null;
  may_reply: boolean;
  may_close: boolean;
}

export interface WhistleNote {
  id: number;
  code: string;
  status: WhistleStatus;
  reason_name: string | null;
  reason_name_en: string | null;
  whistled_at: string;
}

export type WhistleStatus = "waiting" | "called" | "resolved" | "rated" | "refused" | "withdrawn";
export type WhistleMove = "approve" | "refuse" | "withdraw" | "respond" | "arrive" | "resolve" | "reopen" | "rate";

/** A department that was called. */
export interface Call {
  name: string;
  respond_due_at: string | null;
  responded_by: string | null;
  responded_at: string | null;
  response_note: string | null;
  is_response_late: boolean | null;
  arrive_due_at: string | null;
  arrived_by: string | null;
  arrived_at: string | null;
  is_arrival_late: boolean | null;
  rating: number | null;
}

export interface Whistle extends WhistleNote {
  words: string;
  place: string | null;
  grid_code: string | null;
  unit: { code: string; name: string | null; level: "street" | "district" };
  incident: { id: string; code: string; title: string } | null;
  /** Also where the reader may not see it. */
  has_incident: boolean;
  whistled_by: string | null;
  decided_by: string | null;
  decided_at: string | null;
  decision_note: string | null;
  resolve_due_at: string | null;
  resolved_by: string | null;
  resolved_at: string | null;
  resolution: string | null;
  is_sample_limits: boolean;
  departments: Call[];
  moves: WhistleMove[];
  events: { seq: number; at: string; move: string; by: string | null; department: string | null; note: string | null }[];
}

export interface WhistleForm {
  reasons: { code: string; name: string; name_en: string; note: string | null }[];
  departments: { name: string; has_account: boolean }[];
  may_whistle: boolean;
}

export interface Handover {
  id: string;
  direction: "in" | "out";
  system: "110" | "12345";
  external_id: string | null;
  kind: "dispute" | "matter";
  at: string;
  is_sealed: boolean;
}

export interface Suggestion {
  id: string;
  code: string;
  title: string;
  description: string | null;
  status: IncidentStatus;
  category: string;
  reported_at: string;
  away_m: number;
  later_hours: number;
  photos: string[] | null;
  joined_count: number;
}

export interface Photo {
  id: string;
  width: number;
  height: number;
  stage: "report" | "before" | "after";
}

export interface Counts {
  as_of: string;
  by_status: Partial<Record<IncidentStatus, number>>;
  pressing: number;
  asked: number;
  supervised: number;
}
