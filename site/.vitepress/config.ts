/** The site: VitePress over what stage.ts lays out. Nothing in it comes from elsewhere: no fonts, scripts or pictures of others. */
import { defineConfig } from "vitepress";
import { ourMarkdown } from "../markdown.ts";
import { menuOf, readPages } from "../pages.ts";
import { slugify } from "../slug.ts";

const pages = readPages();

export default defineConfig({
  lang: "en",
  title: "RancherOS operator",
  description: "Machines join by their TPM, get their configuration, and keep their operating system up to date.",
  srcDir: ".stage",
  outDir: "../dist/site",
  cacheDir: ".cache",
  // Below which path a web server has it.
  base: process.env["SITE_BASE"] ?? "/",
  // Links work on every web server, also one that adds no .html to what is asked for.
  cleanUrls: false,
  lastUpdated: false,
  // The menu leads to everything: whoever opens one page would fetch all.
  router: { prefetchLinks: false },
  appearance: true,
  markdown: {
    // Nothing in docs/ is HTML: what looks like it, such as <name>, is meant to be read.
    html: false,
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify },
    config: ourMarkdown,
  },
  // A page with hundreds of headings shows the great ones at its side.
  transformPageData: (page) => {
    if (page.relativePath === "errors.md") page.frontmatter["outline"] = 2;
  },
  themeConfig: {
    sidebar: menuOf(pages).map((group) => ({ ...group, items: [...group.items] })),
    nav: [
      { text: "Quick start", link: "/quick-start" },
      { text: "Concepts", link: "/concepts" },
      { text: "Reference", link: "/reference/machineregistrations", activeMatch: "/reference/" },
      { text: "Errors", link: "/errors" },
    ],
    outline: [2, 3],
    search: {
      provider: "local",
      options: {
        // Sent to the browser as text: these functions have nothing from outside of themselves.
        miniSearch: {
          options: {
            // In a question these stand in nearly every section, and the longest one would be the first.
            processTerm: (term: string) =>
              /^(?:an?|and|are|as|be|by|can|do|does|for|from|how|i|in|is|it|my|not|of|on|or|the|this|to|what|when|where|which|why|with)$/i.test(
                term,
              )
                ? null
                : term.toLowerCase(),
          },
          searchOptions: {
            prefix: (term: string) => term.length > 2,
            fuzzy: (term: string) => (term.length > 4 ? 0.2 : false),
            // For who wants to know why it is so: who searches wants to know what to do.
            boostDocument: (id: string) =>
              /\/(?:decisions\/|contributing|dependencies|performance|security)/.test(id) ? 0.3 : 1,
          },
        },
      },
    },
    docFooter: { prev: "Before", next: "Next" },
    footer: { message: "Apache-2.0" },
  },
});
