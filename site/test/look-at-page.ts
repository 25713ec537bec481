/** Opens a page in the browser and says all that the tests want to know of it. */
import type { Page } from "playwright-core";
import { cutOff, outlineOf, poorContrast, tooWide, type Outline } from "./in-page.ts";

export const CONTRAST = 4.5;
const DESK = { width: 1280, height: 900 };
const TELEPHONE = { width: 375, height: 700 };
/** A4 with margins of 1 cm. */
const PAPER = { width: 717, height: 1047 };
const STILL = "*, *::before, *::after { transition: none !important; animation: none !important }";

export interface PageReport extends Outline {
  readonly title: string;
  /** What the console said, scripts threw and requests failed with. */
  readonly complaints: readonly string[];
  /** Requests for anything that is not the site's own. */
  readonly foreign: readonly string[];
  readonly poorLight: readonly string[];
  readonly poorDark: readonly string[];
  readonly tooWideAtDesk: readonly string[];
  readonly tooWideOnTelephone: readonly string[];
  readonly cutOffOnPaper: readonly string[];
}

/** Until scripts have taken over what the server's HTML shows: before that no key and no switch does anything. */
export async function untilAlive(page: Page): Promise<void> {
  await page.waitForFunction("document.querySelector('#app')?.__vue_app__ !== undefined");
}

export async function lookAtPage(page: Page, origin: string, address: string): Promise<PageReport> {
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.removeAllListeners();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    // A page that is left stops fetching what it might have led to.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push(`${request.url()} failed`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  await page.setViewportSize(DESK);
  await page.goto(`${origin}${address}`, { waitUntil: "load" });
  await page.addStyleTag({ content: STILL });
  await untilAlive(page);
  const poorLight = await page.evaluate(poorContrast, { limit: CONTRAST });
  const tooWideAtDesk = await page.evaluate(tooWide);
  await page.evaluate("document.documentElement.classList.add('dark')");
  const poorDark = await page.evaluate(poorContrast, { limit: CONTRAST });
  const outline = await page.evaluate(outlineOf);
  await page.setViewportSize(TELEPHONE);
  const tooWideOnTelephone = await page.evaluate(tooWide);
  await page.setViewportSize(PAPER);
  await page.emulateMedia({ media: "print" });
  const cutOffOnPaper = await page.evaluate(cutOff);
  await page.emulateMedia({ media: "screen" });
  const title = await page.title();
  const widths = { tooWideAtDesk, tooWideOnTelephone, cutOffOnPaper };
  return { ...outline, ...widths, title, complaints, foreign, poorLight, poorDark };
}
