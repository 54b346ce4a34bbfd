/** Vite plugin: gives the phone page's service worker the list of files it must keep to start offline. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin, Rollup } from "vite";

export interface PrecacheOptions {
  /** Name of the input whose files are kept, and of the input that is the service worker. */
  page: string;
  worker: string;
  /** Address of the page, as the service worker fetches it. */
  address: string;
  /** Unprocessed files of `publicDir` that belong to the page, from the site's root. */
  statics: string[];
  /** Emitted files that no import mentions, such as a library's own worker. */
  assets: RegExp;
}

const MARK = "__SHELL__";

function isChunk(file: Rollup.OutputAsset | Rollup.OutputChunk | undefined): file is Rollup.OutputChunk {
  return file?.type === "chunk";
}

/** Files the entry reaches by static and dynamic imports, with their styles and assets. */
function reach(bundle: Rollup.OutputBundle, entry: Rollup.OutputChunk): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    const file = bundle[name];
    if (!isChunk(file)) return;
    [...file.imports, ...file.dynamicImports].forEach(visit);
    file.viteMetadata?.importedCss.forEach((style) => found.add(style));
    file.viteMetadata?.importedAssets.forEach((asset) => found.add(asset));
  };
  visit(entry.fileName);
  return found;
}

export function precache(options: PrecacheOptions): Plugin {
  let publicDir = "";
  return {
    name: "yiwangtu-precache",
    apply: "build",
    enforce: "post",
    configResolved: (config) => void (publicDir = config.publicDir),
    generateBundle: {
      order: "post",
      handler(_output, bundle) {
        const chunks = Object.values(bundle).filter(isChunk);
        const entryOf = (name: string): Rollup.OutputChunk => {
          const entry = chunks.find((chunk) => chunk.isEntry && chunk.name === name);
          if (!entry) throw new Error(`the build has no entry ${name}`);
          return entry;
        };
        const files = reach(bundle, entryOf(options.page));
        for (const name of Object.keys(bundle)) if (options.assets.test(name)) files.add(name);
        const html = bundle[`${options.page}/index.html`];
        if (html?.type !== "asset") throw new Error(`the build has no ${options.page}/index.html`);
        const digest = createHash("sha256").update(html.source);
        for (const name of [...files].sort()) digest.update(name);
        for (const name of options.statics) digest.update(readFileSync(join(publicDir, name)));
        const shell = {
          version: digest.digest("hex").slice(0, 12),
          files: [options.address, ...[...options.statics, ...[...files].sort()].map((name) => `/${name}`)],
        };
        const worker = entryOf(options.worker);
        if (!worker.code.includes(MARK)) throw new Error(`the service worker does not mention ${MARK}`);
        worker.code = worker.code.replaceAll(MARK, `(${JSON.stringify(shell)})`);
      },
    },
  };
}
