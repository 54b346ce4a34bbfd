import "../shared/base.css";
import { createApp } from "vue";
import App from "./App.vue";
import { isServersOwnPage, readFirst } from "./first";
import "./report.css";

const first = readFirst();
if (!isServersOwnPage(first)) createApp(App, { first }).mount("#app");
else void import("./report").then(({ helpReports }) => helpReports());
