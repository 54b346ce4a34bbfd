import "../shared/base.css";
import "./frame.css";
import "./grid.css";
import "./report.css";
import "./tasks.css";
import "./queue.css";
import "./rounds.css";
import "./orders.css";
import { createApp } from "vue";
import App from "./App.vue";
import { registerServiceWorker } from "./pwa";

createApp(App).mount("#app");
if (import.meta.env.PROD) {
  void registerServiceWorker().catch((reason: unknown) => console.error("service worker", reason));
}
