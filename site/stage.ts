/** Lays the site's sources out in one folder: pages with their links, drawings for both themes, files that pages lead to. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inTheme, themedName } from "./drawings.ts";
import { fileAddress, FOLDERS, linkPage } from "./links.ts";
import { readPages, REPOSITORY, type Page } from "./pages.ts";

export const STAGE = path.join(REPOSITORY, "site/.stage");
const HOME = path.join(REPOSITORY, "site/home.md");

function write(name: string, content: string): void {
  const file = path.join(STAGE, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function stageFile(name: string): void {
  const content = readFileSync(path.join(REPOSITORY, name), "utf8");
  const target = `public/${fileAddress(name)}`;
  write(target, content);
  if (!name.endsWith(".svg")) return;
  for (const theme of ["light", "dark"] as const) write(themedName(target, theme), inTheme(content, theme));
}

function isFolder(name: string): boolean {
  return statSync(path.join(REPOSITORY, name)).isDirectory();
}

/** A page that lists a folder, and the files that it leads to. */
function stageFolder(folder: string): readonly string[] {
  const inside = readdirSync(path.join(REPOSITORY, folder), { recursive: true, encoding: "utf8" }).toSorted();
  const files = inside.map((name) => `${folder}/${name}`).filter((name) => !isFolder(name));
  const list = files.map((name) => `- [\`${name.slice(folder.length + 1)}\`](/${fileAddress(name)})`);
  write(`${FOLDERS}/${folder}.md`, `# ${folder}\n\nWhat lies there in the repository:\n\n${list.join("\n")}\n`);
  return files;
}

/** Remarks for who writes the page. */
function withoutRemarks(markdown: string): string {
  return markdown.replaceAll(/^<!--[^]*?-->\n/gm, "");
}

/** @returns the pages that were laid out */
export function stage(): readonly Page[] {
  const pages = readPages();
  rmSync(STAGE, { recursive: true, force: true });
  const home: Page = { file: "site/home.md", slug: "index", title: "Home", markdown: readFileSync(HOME, "utf8") };
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const page of [home, ...pages]) {
    const linked = linkPage(page, pages, isFolder);
    for (const file of linked.files) files.add(file);
    for (const folder of linked.folders) folders.add(folder);
    write(`${page.slug}.md`, withoutRemarks(linked.markdown));
  }
  for (const folder of folders) for (const file of stageFolder(folder)) files.add(file);
  for (const file of files) stageFile(file);
  return pages;
}
