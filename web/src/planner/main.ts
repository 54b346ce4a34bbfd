import "../shared/base.css";
import "./planner.css";
import { createApp } from "vue";
import App from "./App.vue";

createApp(App).mount("#app");
