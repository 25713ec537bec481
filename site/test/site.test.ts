/** The site as a reader has it: built, served, and opened in a browser. */
import { readdirSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPages, REPOSITORY } from "../pages.ts";
import { startChromium } from "./chromium.ts";
import { poorContrast } from "./in-page.ts";
import { CONTRAST, lookAtPage, untilAlive, type PageReport } from "./look-at-page.ts";
import { serveSite, type ServedSite } from "./serve-site.ts";

const BUILT = path.join(REPOSITORY, "dist/site");
const ADDRESSES = ["/index.html", ...readPages().map(({ slug }) => `/${slug}.html`)];

let site: ServedSite;
let browser: Browser;
let page: Page;
const reports = new Map<string, Promise<PageReport>>();
let last: Promise<unknown> = Promise.resolve();

/** Looks at a page when it is first asked for; one after another, as there is one window. */
function report(address: string): Promise<PageReport> {
  const found = reports.get(address);
  if (found !== undefined) return found;
  const looked = last.then(() => lookAtPage(page, site.origin, address));
  last = looked.catch(() => undefined);
  reports.set(address, looked);
  return looked;
}

async function open(address: string): Promise<void> {
  await page.goto(`${site.origin}${address}`);
  await untilAlive(page);
}

beforeAll(async () => {
  [site, browser] = await Promise.all([serveSite(BUILT), startChromium()]);
  const context = await browser.newContext({ colorScheme: "light", reducedMotion: "reduce" });
  page = await context.newPage();
});

afterAll(async () => {
  await browser?.close();
  site?.close();
});

describe.each(ADDRESSES)("%s", (address) => {
  it("opens without a complaint, and fetches nothing from elsewhere", async () => {
    const { complaints, foreign, title } = await report(address);
    expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
    expect(title).toContain("RancherOS operator");
  });

  it("can be read in the light and in the dark", async () => {
    const { poorLight, poorDark } = await report(address);
    expect({ poorLight, poorDark }).toEqual({ poorLight: [], poorDark: [] });
  });

  it("fits a desk and a telephone of 375 pixels without moving sideways", async () => {
    const { tooWideAtDesk, tooWideOnTelephone } = await report(address);
    expect({ tooWideAtDesk, tooWideOnTelephone }).toEqual({ tooWideAtDesk: [], tooWideOnTelephone: [] });
  });

  it("loses no end of a command or table on paper", async () => {
    expect((await report(address)).cutOffOnPaper).toEqual([]);
  });

  it("has one first heading, and leaves out no level below it", async () => {
    const { headings } = await report(address);
    expect(headings.filter((level) => level === 1)).toEqual([1]);
    expect(headings[0]).toBe(1);
    expect(headings.filter((level, index) => index > 0 && level > (headings[index - 1] ?? 0) + 1)).toEqual([]);
  });
});

const fetched = new Map<string, Promise<boolean>>();

async function leadsSomewhere(link: string): Promise<boolean> {
  const { pathname, hash } = new URL(link);
  const address = pathname === "/" ? "/index.html" : pathname;
  if (ADDRESSES.includes(address))
    return hash === "" || (await report(address)).ids.includes(decodeURIComponent(hash.slice(1)));
  const answer = fetched.get(pathname) ?? fetch(`${site.origin}${pathname}`).then(({ ok }) => ok);
  fetched.set(pathname, answer);
  return answer;
}

describe("links", () => {
  it.each(ADDRESSES)("of %s lead only to what is there: pages, anchors, files", async (address) => {
    const { links } = await report(address);
    const own = links.filter((link) => link.startsWith(site.origin));
    expect(own.length).toBeGreaterThan(3);
    const broken: string[] = [];
    for (const link of new Set(own)) if (!(await leadsSomewhere(link))) broken.push(link.slice(site.origin.length));
    expect(broken).toEqual([]);
  });
});

describe("the menu", () => {
  it("leads to every page", async () => {
    const { links } = await report("/quick-start.html");
    const led = new Set(links.map((link) => new URL(link).pathname));
    expect(ADDRESSES.filter((address) => address !== "/index.html" && !led.has(address))).toEqual([]);
  });
});

describe("drawings", () => {
  const drawings = [
    "overview.svg",
    ...readdirSync(path.join(REPOSITORY, "docs/drawings")).map((name) => `drawings/${name}`),
  ];
  const themes = [
    ["light", "#ffffff"],
    ["dark", "#1b1b1f"],
  ] as const;
  it.each(drawings.flatMap((name) => themes.map(([theme, canvas]) => ({ name, theme, canvas }))))(
    "$name can be read on a $theme page",
    async ({ name, theme, canvas }) => {
      await page.goto(`${site.origin}/files/docs/${name.replace(".svg", `.${theme}.svg`)}`);
      expect(await page.evaluate("document.querySelectorAll('text').length")).toBeGreaterThan(5);
      expect(await page.evaluate(poorContrast, { limit: CONTRAST, canvas })).toEqual([]);
    },
  );
});

/** By the keyboard, without the words of the search before, which the site remembers. */
async function search(words: string): Promise<void> {
  await open("/quick-start.html");
  await page.evaluate("sessionStorage.clear()");
  await page.reload();
  await untilAlive(page);
  await page.keyboard.press("Control+k");
  await page.locator("#localsearch-input").fill(words);
}

describe("the search", () => {
  it.each([
    ["EK_CHAIN_UNKNOWN_ROOT", "/errors.html#ek_chain_unknown_root"],
    ["failureBudget", "/reference/managedosimages.html"],
    ["ros-agent undrain", "/reference/ros-agent.html#ros-agent-undrain"],
    ["backup", "/operations.html#backup"],
    ["suc-upgrade", ""],
    ["how do I reset a machine", "/install.html#reset"],
    ["pause rollout", "/troubleshooting.html#a-rollout-does-not-go-on"],
    ["root password", "/node.html#cloud-config"],
    ["drain stuck", "/errors.html#drain_timed_out"],
    ["x509: certificate signed by unknown authority", "/troubleshooting.html#a-machine-does-not-register"],
  ])("finds %s", async (words, wanted) => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await search(words);
    const results = page.locator("#localsearch-list a");
    await results.first().waitFor();
    const found = await results.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
    expect(found.slice(0, 5).join("\n")).toContain(wanted);
  });

  it("says so where there is nothing", async () => {
    await search("zxqwv");
    const nothing = page.getByText("No results for");
    await nothing.waitFor();
    expect(await nothing.innerText()).toContain("zxqwv");
  });
});

describe("a reader", () => {
  it("gets past the menu with the keyboard: the first stop leads to the content", async () => {
    await open("/concepts.html");
    await page.keyboard.press("Tab");
    const first = page.locator(":focus");
    expect(await first.innerText()).toBe("Skip to content");
    await page.keyboard.press("Enter");
    await page.waitForFunction("document.activeElement?.id === 'VPContent'");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement?.closest('#VPContent') !== null")).toBe(true);
  });

  it("switches the theme, and finds it switched the next time", async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await open("/concepts.html");
    const isDark = (): Promise<unknown> => page.evaluate("document.documentElement.classList.contains('dark')");
    expect(await isDark()).toBe(false);
    const shown = (): Promise<unknown> =>
      page.evaluate(
        "[...document.querySelectorAll('.drawing img')].filter((one) => one.checkVisibility()).map((one) => one.src)",
      );
    expect(String(await shown())).not.toContain(".dark.");
    await page.locator(".VPSwitchAppearance:visible").first().click();
    expect(await isDark()).toBe(true);
    expect(String(await shown())).not.toContain(".light.");
    await page.reload();
    expect(await isDark()).toBe(true);
  });

  it.each([960, 1280, 1440, 1920])("sees the whole of the menu beside the page, %i pixels wide", async (width) => {
    await page.setViewportSize({ width, height: 900 });
    await open("/concepts.html");
    const cut = `(() => {
      const menu = document.querySelector(".VPSidebar");
      const edge = menu.getBoundingClientRect().right;
      const items = [...menu.querySelectorAll(".text")].filter((one) => one.checkVisibility());
      return [items.length > 20, items.filter((one) => one.getBoundingClientRect().right > edge).map((one) => one.textContent)];
    })()`;
    expect(await page.evaluate(cut)).toEqual([true, []]);
  });

  it("opens the menu on a telephone", async () => {
    await page.setViewportSize({ width: 375, height: 700 });
    await open("/concepts.html");
    await page.locator(".VPLocalNav .menu").click();
    await page.locator(".VPSidebar.open").getByText("Troubleshooting").click();
    await page.waitForURL("**/troubleshooting.html");
    // The address changes before the page does.
    await page.locator("#VPContent h1", { hasText: "Troubleshooting" }).waitFor();
    expect(await page.locator("#VPContent h1").innerText()).toContain("Troubleshooting");
  });
});
