// What users do, in a browser: against TEST before anybody else gets it.
import {expect, test} from "@playwright/test";

test.beforeEach(async ({page}) => {
  page.broken = [];
  page.on("console", (message) => message.type() === "error" && page.broken.push(message.text()));
  page.on("pageerror", (error) => page.broken.push(error.message));
  page.on("response", (answer) => answer.status() >= 400 && page.broken.push(`${answer.status()} ${answer.url()}`));
});

test.afterEach(async ({page}) => expect(page.broken).toEqual([]));

test("the first page shows this release, with the prices of this environment", async ({page}) => {
  await page.goto("index.html");
  await expect(page.getByTestId("release")).toHaveText(process.env.E2E_RELEASE);
  await expect(page.getByTestId("api")).not.toBeEmpty();
});

test("the way leads to the other page and back", async ({page}) => {
  await page.goto("index.html");
  await page.getByRole("link", {name: "About"}).click();
  await expect(page.getByRole("heading")).toHaveText("About us");
  await page.goBack();
  await expect(page.getByTestId("release")).toHaveText(process.env.E2E_RELEASE);
});
