/** The site's menu and links, without building it. */
import { describe, expect, it } from "vitest";
import { inTheme } from "../../../site/drawings.ts";
import { linkPage } from "../../../site/links.ts";
import { menuOf, readPages, type Page } from "../../../site/pages.ts";
import { slugify } from "../../../site/slug.ts";

const pages = readPages();

function page(slug: string, markdown: string): Page {
  return { file: `docs/${slug}.md`, slug, title: `About ${slug}`, markdown };
}

function linked(markdown: string): ReturnType<typeof linkPage> {
  return linkPage(page("here", markdown), [page("here", markdown), page("there", "")], (name) => name === "systemd");
}

describe("the menu", () => {
  it("has every page once", () => {
    const links = menuOf(pages).flatMap(({ items }) => items.map(({ link }) => link));
    expect(links.toSorted()).toEqual(pages.map(({ slug }) => `/${slug}`).toSorted());
  });

  it("takes a page that nobody has put into it, under its title", () => {
    const group = menuOf([...pages, page("brand-new", "")]).find(({ text }) => text === "Further pages");
    expect(group?.items).toContainEqual({ text: "About brand-new", link: "/brand-new" });
  });
});

describe("links of a page", () => {
  it("lead to pages, by their titles where they are called by their files", () => {
    expect(linked("[there.md](there.md) [x](there.md#y) [docs/there.md](there.md)").markdown).toBe(
      "[About there](/there) [x](/there#y) [About there](/there)",
    );
  });

  it("lead to files and folders of the repository, which come along", () => {
    const { markdown, files, folders } = linked("[a](../charts/a.yaml) [b](../boot/init) [c](../systemd)");
    expect(markdown).toBe("[a](/files/charts/a.yaml) [b](/files/boot/init.txt) [c](/folders/systemd)");
    expect({ files, folders }).toEqual({ files: ["charts/a.yaml", "boot/init"], folders: ["systemd"] });
  });

  it("stay as they are in code, within the page, and to elsewhere", () => {
    const text = "[a](#b) [c](https://example.com/d.md)\n\n```sh\n[x](there.md)\n```\n";
    expect(linked(text).markdown).toBe(text);
  });
});

it("makes anchors as GitHub does", () => {
  expect(["What happens, in order", "spec.targets[]", "1. Boot media", "EK_ROCA"].map((one) => slugify(one))).toEqual([
    "what-happens-in-order",
    "spectargets",
    "1-boot-media",
    "ek_roca",
  ]);
});

it("gives a drawing the colours of the theme, whatever the reader's system says", () => {
  const svg = "<style>@media (prefers-color-scheme: dark) { text { fill: white } }</style>";
  expect(inTheme(svg, "dark")).toBe("<style>@media all { text { fill: white } }</style>");
  expect(inTheme(svg, "light")).toBe("<style>@media not all { text { fill: white } }</style>");
});
