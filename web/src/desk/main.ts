import "../shared/base.css";
import "../shared/frame.css";
import "./frame.css";
import "./queue.css";
import "./case.css";
import "./dialogs.css";
import { createApp } from "vue";
import App from "./App.vue";

createApp(App).mount("#app");
