import { resolve } from "node:path";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";
import { precache } from "./precache.ts";

const PAGES = ["screen", "planner", "worker", "desk", "public"] as const;
const SERVER = process.env["YIWANGTU_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [
    vue(),
    precache({
      page: "worker",
      worker: resolve(import.meta.dirname, "src/worker/sw.ts"),
      fileName: "worker/sw.js",
      address: "/worker/",
      statics: ["icon.svg", "worker/manifest.webmanifest", "worker/icon-192.png", "worker/icon-512.png"],
      assets: /maplibre-gl-worker/,
    }),
  ],
  // A page folder is called `public`, so Vite's own folder of unprocessed files needs another name.
  publicDir: "static",
  build: {
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      checks: { bundlerTimings: false },
      input: Object.fromEntries(PAGES.map((page) => [page, resolve(import.meta.dirname, page, "index.html")])),
      output: {
        codeSplitting: {
          groups: [
            { name: "map", test: /node_modules[\\/](maplibre-gl|@maplibre|@mapbox)/ },
            { name: "charts", test: /node_modules[\\/](echarts|zrender)/ },
            { name: "vue", test: /node_modules[\\/](vue|@vue)/ },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/tiles", "/live"].map((path) => [path, { target: SERVER }])),
  },
  // a worker makes jsdom once, not for every file anew; files keep their own globals
  test: { environment: "jsdom", pool: "vmThreads", include: ["src/**/*.test.ts"] },
});
