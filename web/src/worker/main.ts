import "../shared/base.css";
import "./worker.css";
import { createApp } from "vue";
import App from "./App.vue";
import { registerServiceWorker } from "./pwa";

createApp(App).mount("#app");
if (import.meta.env.PROD) {
  void registerServiceWorker().catch((reason: unknown) => console.error("service worker", reason));
}
