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
  // Links work on every web server, and from a folder.
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
    search: { provider: "local" },
    docFooter: { prev: "Before", next: "Next" },
    footer: { message: "Apache-2.0" },
  },
});
