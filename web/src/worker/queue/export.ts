/**
 * The queue as one file, the last resort of a phone that cannot send: a page that anyone can read, with the photos in
 * it and, for a machine, the same items as JSON in the element `#queue`. The ids in it keep a report from counting twice.
 */
import { t } from "../messages";
import { type Item, type MoveItem, moveCall, photoPath, recordBody, reportBody, type ReportItem, serverTime } from "./item";

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ENTITIES[one]!);
}

async function dataUrl(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return `data:${blob.type};base64,${btoa(binary)}`;
}

/** When it was seen, by the server's clock as well as the device knows it. */
function occurredAt(item: Item): string {
  return item.occurred_at ?? serverTime(item.made_at ?? new Date().toISOString(), item.clock_ahead_ms ?? 0);
}

function bodyOf(item: Item): object {
  const at = occurredAt(item);
  if (item.kind === "record") return { method: "PUT", path: item.path, body: recordBody({ ...item, occurred_at: at }), at };
  if (item.kind === "move") return { method: "POST", key: item.id, ...moveCall(item), at };
  const isWhole = item.place !== null && item.category !== "";
  return { method: "PUT", path: `/api/incidents/${item.id}`, ...(isWhole && { body: reportBody({ ...item, occurred_at: at }) }), at };
}

function rowsOf(item: Item): [string, string][] {
  const rows: [string, string][] = [
    [t("export_id"), item.id],
    [t("export_state"), t(`state_${item.state}`) + (item.refusal ? `：${item.refusal.detail || item.refusal.code}` : "")],
    [t("export_time"), occurredAt(item)],
  ];
  if (item.receipt) rows.push([t("receipt"), item.receipt.code]);
  return [...rows, ...rowsByKind(item), [t("words"), item.words]];
}

function rowsByKind(item: Item): [string, string][] {
  if (item.kind === "record") return [[t(`record_${item.what}`), item.title]];
  return item.kind === "report" ? reportRows(item) : moveRows(item);
}

function reportRows(item: ReportItem): [string, string][] {
  const { place } = item;
  const accuracy = place?.accuracy_m === null || !place ? "" : ` ±${place.accuracy_m} m`;
  const at = place ? `${place.lon}, ${place.lat} (WGS84${accuracy}) ${place.name ?? ""}` : "";
  return [
    [t("category"), `${item.category} ${item.category_name}`],
    [t("place"), at],
  ];
}

function moveRows(item: MoveItem): [string, string][] {
  return [
    [t("receipt"), item.incident_code],
    [t("export_move"), t(`move_${item.to}`)],
  ];
}

export type BlobOf = (photo: string) => Promise<Blob | undefined>;

/** Write items that the server does not have whole into one HTML file. */
export async function exportFile(items: Item[], blobOf: BlobOf, account: string): Promise<Blob> {
  const parts: string[] = [];
  const machine: object[] = [];
  for (const item of items) {
    const photos: { id: string; path: string; type: string; base64: string }[] = [];
    const rows = rowsOf(item).map(([name, value]) => `<tr><th>${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
    const pictures: string[] = [];
    for (const photo of item.photos) {
      const blob = photo.state === "received" ? undefined : await blobOf(photo.id);
      if (!blob) continue;
      const url = await dataUrl(blob);
      photos.push({ id: photo.id, path: photoPath(item, photo.id), type: blob.type, base64: url.slice(url.indexOf(",") + 1) });
      pictures.push(`<img alt="${escaped(photo.id)}" src="${url}">`);
    }
    parts.push(`<section><table>${rows.join("")}</table>${pictures.join("")}</section>`);
    machine.push({ kind: item.kind, id: item.id, state: item.state, ...bodyOf(item), photos });
  }
  const document = JSON.stringify({ format: "yiwangtu-queue-1", account, items: machine }).replaceAll("<", "\\u003c");
  return new Blob(
    [
      `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
      `<title>${escaped(t("export_title", { account }))}</title>`,
      `<style>body{font:16px/1.6 sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem}section{border-top:2px solid #555;padding:1rem 0}`,
      `th{text-align:left;vertical-align:top;padding-right:1rem;white-space:nowrap}td{white-space:pre-wrap;overflow-wrap:anywhere}img{max-width:100%;margin-top:.5rem}</style>`,
      `<h1>${escaped(t("export_title", { account }))}</h1><p>${escaped(t("export_how"))}</p>`,
      ...parts,
      `<script type="application/json" id="queue">${document}</script></html>`,
    ],
    { type: "text/html" },
  );
}
