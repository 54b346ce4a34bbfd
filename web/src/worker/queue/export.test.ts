import "fake-indexeddb/auto";
import { expect, it } from "vitest";
import { exportFile } from "./export";
import { newReport, type ReportItem } from "./item";

it("writes a page that people and machines read, and that nothing typed can break", async () => {
  const words = `</script><img src=x onerror="alert(1)">`;
  const item: ReportItem = {
    ...newReport("worker"),
    state: "waiting",
    category: "E01-01",
    category_name: "私搭乱建",
    words,
    place: { lon: 114.98, lat: 30.2, datum: "wgs84", accuracy_m: 12, source: "device" },
    made_at: "2026-11-22T08:00:00.000Z",
    clock_ahead_ms: 3_600_000,
    photos: [{ id: "p", width: 1, height: 1, size: 3, state: "waiting", refusal: null }],
  };
  const blobOf = (id: string): Promise<Blob | undefined> =>
    Promise.resolve(id === "p" ? new Blob(["abc"], { type: "image/jpeg" }) : undefined);
  const text = await new Promise<string>((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    void exportFile([item], blobOf, "worker").then((file) => reader.readAsText(file));
  });
  const page = new DOMParser().parseFromString(text, "text/html");
  expect(page.querySelectorAll("img")).toHaveLength(1);
  expect(page.querySelector("img")?.getAttribute("src")).toBe(`data:image/jpeg;base64,${btoa("abc")}`);
  expect(page.querySelector("section")?.textContent).toContain(words);
  const machine = JSON.parse(page.querySelector("#queue")!.textContent!) as { items: Record<string, unknown>[] };
  expect(machine.items).toEqual([
    {
      kind: "report",
      id: item.id,
      state: item.state,
      method: "PUT",
      path: `/api/incidents/${item.id}`,
      body: {
        category: "E01-01", description: words, lon: 114.98, lat: 30.2, datum: "wgs84", accuracy_m: 12,
        occurred_at: "2026-11-22T09:00:00.000Z",
      },
      at: "2026-11-22T09:00:00.000Z",
      photos: [{ id: "p", path: `/api/incidents/${item.id}/photos/p`, type: "image/jpeg", base64: btoa("abc") }],
    },
  ]);
});
