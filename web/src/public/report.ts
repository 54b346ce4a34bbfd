/** Helps the server's own pages of reports, which work without it: drafts, the position when asked for, smaller photos. */
import { dropCode, dropDraft, KEPT_FIELDS, keepCode, readCodes, readDraft, saveDraft } from "./reports";

const POSITION = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 };

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export function helpReports(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-report]");
  if (form) helpForm(form);
  const received = document.querySelector<HTMLElement>("[data-received]");
  if (received) keepCode(received.dataset["received"]!, received.dataset["code"]!, Date.now());
  const track = document.querySelector<HTMLFormElement>("form[data-track]");
  if (track) listCodes(track);
  const print = document.querySelector<HTMLButtonElement>("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  document.querySelector<HTMLElement>(".report [role=alert], .report h2")?.scrollIntoView?.({ block: "nearest" });
  for (const one of document.querySelectorAll<HTMLFormElement>(".report-form")) guard(one);
}

function field(form: HTMLFormElement, name: string): Field | null {
  return form.elements.namedItem(name) as Field | null;
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Partial<HTMLElementTagNameMap[K]>) {
  return Object.assign(document.createElement(tag), properties);
}

/** A form that is on its way is not sent again; when its page comes back from the browser's memory, it may be. */
function guard(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (!button) return;
  const label = button.textContent ?? "";
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") return event.preventDefault();
    form.ariaBusy = "true";
    button.textContent = form.dataset["sending"] ?? label;
  });
  window.addEventListener("pageshow", () => {
    form.ariaBusy = null;
    button.textContent = label;
  });
}

function helpForm(form: HTMLFormElement): void {
  const place = (new URLSearchParams(location.search).get("place") ?? "") + (field(form, "kind")?.value ? "#order" : "");
  restore(form, place);
  form.addEventListener("input", () => remember(form, place));
  helpPosition(form);
  helpPhotos(form);
}

function remember(form: HTMLFormElement, place: string): void {
  const fields = Object.fromEntries(KEPT_FIELDS.map((name) => [name, field(form, name)?.value ?? ""]));
  saveDraft(place, { key: field(form, "key")!.value, savedAt: Date.now(), fields });
}

/** A draft fills a form that is empty; one that the server gave back with what is wrong has its own words. */
function restore(form: HTMLFormElement, place: string): void {
  const draft = readDraft(place, Date.now());
  if (!draft || field(form, "words")?.value || !Object.values(draft.fields).some((value) => value?.trim())) return;
  const fresh = field(form, "key")!.value;
  field(form, "key")!.value = draft.key;
  for (const name of KEPT_FIELDS) {
    const one = field(form, name);
    if (one && one.type !== "hidden") one.value = draft.fields[name] ?? "";
  }
  const note = element("p", { className: "report-said" });
  note.setAttribute("role", "status");
  const drop = element("button", { type: "button", className: "button", textContent: form.dataset["drop"] ?? "" });
  drop.addEventListener("click", () => {
    dropDraft(place);
    form.reset();
    field(form, "key")!.value = fresh;
    note.remove();
    field(form, "category")?.focus();
  });
  note.append(`${form.dataset["draft"] ?? ""} `, drop);
  form.prepend(note);
}

function helpPosition(form: HTMLFormElement): void {
  const part = form.querySelector<HTMLElement>(".report-position");
  const button = part?.querySelector("button");
  const status = part?.querySelector<HTMLElement>("[role=status]");
  if (!part || !button || !status || !("geolocation" in navigator)) return;
  part.hidden = false;
  const tell = (lon: string, lat: string, accuracy: string) => {
    for (const [name, value] of Object.entries({ lon, lat, accuracy_m: accuracy })) field(form, name)!.value = value;
    button.textContent = (lon ? form.dataset["unuse"] : form.dataset["use"]) ?? "";
  };
  button.addEventListener("click", () => {
    if (field(form, "lon")!.value) {
      tell("", "", "");
      status.textContent = form.dataset["none"] ?? "";
      return;
    }
    button.disabled = true;
    const done = (words: string) => {
      button.disabled = false;
      status.textContent = words;
    };
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        tell(String(coords.longitude), String(coords.latitude), String(Math.round(coords.accuracy)));
        done((form.dataset["got"] ?? "").replace("{metres}", String(Math.round(coords.accuracy))));
      },
      () => done(form.dataset["failed"] ?? ""),
      POSITION,
    );
  });
}

/** Photos are drawn anew on the device: smaller, and without what their file tells. What it can't draw goes as it is. */
function helpPhotos(form: HTMLFormElement): void {
  const input = field(form, "photos") as HTMLInputElement | null;
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (!input || !button) return;
  input.addEventListener("change", async () => {
    button.disabled = true;
    try {
      const { encodePhoto } = await import("../shared/photo");
      const redrawn = new DataTransfer();
      for (const file of input.files ?? []) redrawn.items.add(await redraw(file, encodePhoto));
      input.files = redrawn.files;
    } finally {
      button.disabled = false;
    }
  });
}

async function redraw(file: File, encode: (file: Blob) => Promise<{ blob: Blob }>): Promise<File> {
  try {
    const { blob } = await encode(file);
    return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
  } catch {
    return file;
  }
}

function listCodes(form: HTMLFormElement): void {
  const kept = readCodes();
  if (!kept.length) return;
  const list = element("ul", { className: "report-own" });
  for (const { code } of kept) {
    const row = element("li", {});
    const see = element("button", { type: "button", className: "button", textContent: code });
    see.addEventListener("click", () => {
      field(form, "code")!.value = code;
      form.requestSubmit();
    });
    const drop = element("button", { type: "button", className: "button quiet", textContent: form.dataset["drop"] ?? "" });
    drop.setAttribute("aria-label", `${form.dataset["drop"] ?? ""} ${code}`);
    drop.addEventListener("click", () => {
      dropCode(code);
      row.remove();
    });
    row.append(see, drop);
    list.append(row);
  }
  form.after(element("h3", { textContent: form.dataset["own"] ?? "" }), list);
}
