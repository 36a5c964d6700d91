// The browser is the machine's own, so that none is fetched: CHROMIUM_PATH names it.
import {defineConfig} from "@playwright/test";

export default defineConfig({
  forbidOnly: true,
  retries: 1,
  reporter: "line",
  use: {baseURL: process.env.E2E_BASE_URL, launchOptions: {executablePath: process.env.CHROMIUM_PATH}},
});
