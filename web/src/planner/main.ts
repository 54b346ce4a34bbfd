import "../shared/base.css";
import "../shared/frame.css";
import "./frame.css";
import "./parts.css";
import "./map.css";
import "./tables.css";
import "./run/run.css";
import "./plans/plans.css";
import { createApp } from "vue";
import App from "./App.vue";

createApp(App).mount("#app");
