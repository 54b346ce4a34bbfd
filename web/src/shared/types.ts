/** The shapes of the HTTP contract (snake_case as on the wire; times are UTC ISO strings). */

export type Role =
  | "worker"
  | "community"
  | "street"
  | "dispatcher"
  | "department"
  | "planner"
  | "screen"
  | "system_admin"
  | "security_admin"
  | "audit_admin";

export interface Membership {
  role: Role;
  path: string;
  code: string;
  name: string;
}

export interface Account {
  login: string;
  display_name: string;
  memberships: Membership[];
}

export interface Session {
  account: Account | null;
  csrf_token: string | null;
}

export interface LegendEntry {
  label: string;
  label_en: string;
  color: string;
  shape: string;
}

export interface FieldInfo {
  name: string;
  title: string;
  title_en: string;
  type: string;
  unit: string | null;
}

export type Theme = "light" | "dark";

export interface LayerInfo {
  name: string;
  title: string;
  title_en: string;
  geometry_type: string;
  is_public: boolean;
  revision: number;
  min_zoom: number;
  max_zoom: number;
  fields: FieldInfo[];
  legend: Record<Theme, LegendEntry[]>;
  attribution: string | null;
  is_sample: boolean;
}

/** A value of a feature's property, as JSON has it. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Properties = Record<string, Value | undefined>;
export type LonLat = [number, number];
export type Bbox = [number, number, number, number];

export interface Feature<P = Properties> {
  type: "Feature";
  id: string | number;
  geometry: GeoJSON.Geometry;
  properties: P;
}

export interface FeaturePage<P = Properties> {
  type: "FeatureCollection";
  features: Feature<P>[];
  next_cursor: string | null;
  revision: number;
}

export type AreaLevel = "district" | "street" | "community" | "grid";

export interface Area {
  code: string;
  name: string;
  name_en: string | null;
  level: AreaLevel;
  path: string;
  parent: string | null;
  bbox: Bbox;
  time_zone: string;
  is_sample: boolean;
  households: number | null;
  grids: number | null;
  grids_outside_band: number | null;
}

/** 三色: what a place is rated; shown with a shape and a word, never by colour alone. */
export type Colour = "red" | "yellow" | "blue";

export interface Rating {
  colour: Colour;
  rated_at: string;
  /** After this the colour is shown no more. */
  expires_at: string;
  criteria: { colour: Colour; words: string; words_en: string }[];
}

export interface Figures {
  as_of: string;
  within: string;
  incidents_open: number;
  incidents_today: number;
  incidents_overdue: number;
  /** Open ones that a level above has taken up (督办). */
  incidents_supervised: number;
  closed_ratio_30d: number | null;
  closed_30d: number;
  reported_30d: number;
  /** Since when the figures of 30 days and of today count. */
  recent_from: string;
  today_from: string;
  households: number | null;
  grids: number | null;
  grids_outside_band: number | null;
  households_outside_band: number | null;
  stations_open: number;
  canteens_open: number;
  covered_ratio: number | null;
  trend: { date: string; reported: number; closed: number }[];
  by_category: { code: string; name: string; name_en: string | null; count: number }[];
  by_status: { status: IncidentStatus; count: number }[];
  by_child: { code: string; name: string; open: number; overdue: number; colour: Colour }[];
  coverage: { code: string; name: string; name_en: string | null; covered: number; examined: number }[];
  rating: Rating;
}

export type IncidentStatus =
  | "reported"
  | "accepted"
  | "assigned"
  | "in_progress"
  | "resolved"
  | "verified"
  | "closed"
  | "rated"
  | "rejected"
  | "returned"
  | "paused"
  | "reopened"
  | "merged";

export interface IncidentProperties {
  code: string;
  /** The uuid that the incident's own addresses go by. */
  id?: string;
  category: string;
  category_name?: string | null;
  title: string;
  status: IncidentStatus;
  is_open?: boolean;
  source?: string | null;
  department?: string | null;
  community?: string | null;
  grid?: string | null;
  description?: string | null;
  reported_at: string;
  due_at?: string | null;
  resolved_at?: string | null;
  closed_at?: string | null;
  /** How far its running clock is: yellow soon, orange out, red under supervision. */
  warning_level?: "blue" | "yellow" | "orange" | "red" | null;
  accuracy_m?: number | null;
  distance_m?: number;
}

export type Incident = Feature<IncidentProperties>;

export interface Category {
  code: string;
  parent: string | null;
  name: string;
  name_en: string | null;
  department: string | null;
  /** How near in place and time two reports may be the same thing. */
  duplicate_m?: number;
  duplicate_hours?: number;
  /** What a search looks through, small letters: name, pinyin, initials, English name, code. */
  keys: string;
}

export type FacilityStatus = "open" | "planned" | "closed";

export interface FacilityProperties {
  code: string;
  name: string;
  name_en?: string | null;
  community?: string | null;
  tier?: string | null;
  status?: FacilityStatus;
  opens_on?: string | null;
  address?: string | null;
  phone?: string | null;
  hours?: string | null;
  services?: string[] | null;
  capacity?: number | null;
  is_accessible?: boolean | null;
  attributes?: Record<string, Value> | null;
  distance_m?: number;
}

export type Facility = Feature<FacilityProperties>;

export type JobKind = "rebalance" | "gaps" | "merge" | "site";
export type JobStatus = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface Job {
  id: string;
  kind: JobKind;
  within: string;
  status: JobStatus;
  progress_ratio: number;
  message: string | null;
  parameters: Record<string, Value>;
  result: Record<string, Value> | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export type PlanStatus = "proposed" | "draft" | "submitted" | "approved" | "effective" | "retired";

export interface Plan {
  id: string;
  name: string;
  status: PlanStatus;
  within: string;
  metrics: Record<string, Value>;
  parameters: Record<string, Value>;
  seed: number | null;
  version: number;
  locks: { grids: string[]; units: string[] };
  base_id: string | null;
  created_at: string;
  created_by: string | null;
  updated_at: string | null;
  updated_by: string | null;
  submitted_at: string | null;
  submitted_by: string | null;
  approved_at: string | null;
  approved_by: string | null;
  effective_on: string | null;
  retired_on: string | null;
  reject_reason: string | null;
}

export interface PlanGridProperties {
  code: string;
  community: string;
  households: number;
  in_band: boolean;
  compactness: number | null;
}

export interface PlanChangeProperties {
  code: string;
  households: number;
  from_grid: string | null;
  to_grid: string | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: { field: string; message: string }[];
}
