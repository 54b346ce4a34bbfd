/** The residents' page in words. */
import { translator } from "../shared/i18n";
import type { FacilityKind } from "./kinds";

export const t = translator({
  skip: ["跳到列表", "Skip to the list"],
  product: ["便民地图", "Around me"],
  subtitle: ["驿站、食堂、养老、停车、垃圾投放", "Stations, canteens, elder care, parking, refuse"],
  elder: ["长者版", "Larger text"],
  sample: ["示例数据", "Sample data"],
  search: ["搜索名称、地址或服务", "Search name, address or service"],
  clear: ["清除", "Clear"],
  kinds: ["找什么", "What to find"],
  filters: ["条件", "Filters"],
  openNow: ["正在开放", "Open now"],
  stepFree: ["无障碍", "Step-free"],
  from: ["从哪里算距离", "Measure distance from"],
  noOrigin: ["不计算距离", "No distance"],
  me: ["我的位置", "My position"],
  nearMe: ["离我最近", "Near me"],
  locating: ["正在定位…", "Locating…"],
  privacy: ["位置只在本机计算直线距离，不上传。", "Your position stays on this device."],
  denied: ["没有得到定位许可。可以改选一个社区。", "Locating was not allowed. You can choose a community instead."],
  noPosition: ["暂时定不了位。可以改选一个社区。", "Your position cannot be found now. You can choose a community instead."],
  insecure: ["此网址不是安全连接，浏览器不允许定位。请改选一个社区。", "This address is not secure, so the browser does not locate. Choose a community instead."],
  found: ["找到 {n} 处，正在开放 {open} 处", "{n} found, {open} open now"],
  loading: ["正在读取…", "Loading…"],
  nothing: ["没有符合条件的地点。", "Nothing matches."],
  chooseKind: ["请至少选择一类服务。", "Choose at least one kind of service."],
  failed: ["读取失败：{reason}", "Loading failed: {reason}"],
  offline: ["连不上服务器，请检查网络。", "The server cannot be reached. Check the network."],
  retry: ["重试", "Try again"],
  more: ["再显示 {n} 处", "Show {n} more"],
  list: ["列表", "List"],
  map: ["地图", "Map"],
  mapLabel: ["便民服务地图", "Map of services"],
  results: ["结果", "Results"],
  back: ["返回列表", "Back to the list"],
  showOnMap: ["在地图上看", "Show on the map"],
  openUntil: ["正在开放，至 {time}", "Open until {time}"],
  openAlways: ["全天开放", "Always open"],
  closedUntil: ["未开放，{time} 开放", "Closed until {time}"],
  closedNow: ["未开放", "Closed"],
  unknownHours: ["开放时间未知", "Hours unknown"],
  planned: ["筹建中", "Planned"],
  plannedOn: ["筹建中，{date}启用", "Planned, opens {date}"],
  outOfUse: ["已停用", "Out of use"],
  today: ["{time}", "{time}"],
  tomorrow: ["明天 {time}", "tomorrow {time}"],
  onDay: ["{day} {time}", "{day} {time}"],
  hours: ["开放时间", "Hours"],
  closedDay: ["休息", "Closed"],
  allDay: ["全天", "All day"],
  address: ["地址", "Address"],
  phone: ["电话", "Phone"],
  services: ["服务事项", "Services"],
  access: ["无障碍通行", "Step-free access"],
  yes: ["可以", "Yes"],
  no: ["不便", "No"],
  unknown: ["未知", "Unknown"],
  tier: ["等级", "Tier"],
  straight: ["直线距离", "Straight-line distance"],
  seats: ["座位", "Seats"],
  beds: ["床位", "Beds"],
  spaces: ["车位", "Spaces"],
  capacity: ["容量", "Capacity"],
  price: ["价格", "Price"],
  yuan: ["{n} 元", "¥{n}"],
  delivers: ["送餐", "Delivers"],
  code: ["编号", "Code"],
});

const KINDS = translator({
  station: ["初心驿站", "Stations"],
  canteen: ["幸福食堂", "Canteens"],
  elder_care: ["养老服务", "Elder care"],
  parking: ["停车场", "Parking"],
  refuse_point: ["垃圾投放", "Refuse"],
});

export function kindName(kind: FacilityKind): string {
  return KINDS(kind);
}

const TIER_TEXTS = {
  basic: ["基础型", "Basic"],
  standard: ["标准型", "Standard"],
  leading: ["引领型", "Leading"],
  district_center: ["区康养中心", "District centre"],
  regional_station: ["区域性养老服务站", "Regional station"],
  home_point: ["居家养老服务点", "Home-care point"],
} as const;
const TIERS = translator(TIER_TEXTS);

/** The Chinese name of a tier, whatever the language; null for one that we don't know. */
export function tierLabel(tier: string): string | null {
  return TIER_TEXTS[tier as keyof typeof TIER_TEXTS]?.[0] ?? null;
}

export function tierName(tier: string): string {
  return TIERS(tier as "basic");
}

const DAYS = translator({
  d0: ["周一", "Mon"],
  d1: ["周二", "Tue"],
  d2: ["周三", "Wed"],
  d3: ["周四", "Thu"],
  d4: ["周五", "Fri"],
  d5: ["周六", "Sat"],
  d6: ["周日", "Sun"],
  range: ["{first}至{last}", "{first}–{last}"],
  every: ["每天", "Every day"],
});

/** "周一至周五"; Monday = 0. */
export function dayRange(first: number, last: number): string {
  if (first === 0 && last === 6) return DAYS("every");
  const name = (day: number): string => DAYS(`d${day}` as "d0");
  return first === last ? name(first) : DAYS("range", { first: name(first), last: name(last) });
}
