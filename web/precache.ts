/**
 * Vite plugin: builds the phone page's service worker with the list of files it must keep to start offline. It is one
 * classic script without imports, which every browser with service workers takes; what it shares with the page is in both.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin, type Rollup } from "vite";

export interface PrecacheOptions {
  /** Name of the input whose files are kept. */
  page: string;
  /** Source of the service worker, and the name it is built under. */
  worker: string;
  fileName: string;
  /** Address of the page, as the service worker fetches it. */
  address: string;
  /** Unprocessed files of `publicDir` that belong to the page, from the site's root. */
  statics: string[];
  /** Emitted files that no import mentions, such as a library's own worker. */
  assets: RegExp;
}

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

/** The service worker as one script, with the list in it. */
async function script(source: string, shell: object): Promise<string> {
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    define: { __SHELL__: JSON.stringify(shell) },
    build: {
      write: false,
      copyPublicDir: false,
      rollupOptions: { input: source, output: { format: "iife", codeSplitting: false } },
    },
  });
  const [output] = [built].flat();
  const chunk = output && "output" in output ? output.output.find(isChunk) : undefined;
  if (!chunk) throw new Error(`${source} gave no script`);
  return chunk.code;
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
      async handler(_output, bundle) {
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
        this.emitFile({ type: "asset", fileName: options.fileName, source: await script(options.worker, shell) });
      },
    },
  };
}
