/** Links between files of the repository become links between pages; what is no page comes along as a file. */
import path from "node:path";
import type { Page } from "./pages.ts";

export interface LinkedMarkdown {
  readonly markdown: string;
  /** Files and folders of the repository that the page links to and that are no pages. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Where files of the repository are in the site, and the pages that list its folders. */
export const FILES = "files";
export const FOLDERS = "folders";

/** Web servers show these as they are; all else is text to them. */
const SHOWN = /\.(json|svg|txt|ya?ml)$/;

/** Path of a file of the repository below the site. */
export function fileAddress(name: string): string {
  return `${FILES}/${name}${SHOWN.test(name) ? "" : ".txt"}`;
}

const LINK = /(\[[^[\]]*\]\()([^()\s#]*)(#[^()\s]*)?(?=\))/g;
/** Code, in which a link is none. */
const FENCED = /^( *)(`{3,}|~{3,})[^\n]*\n[^]*?^\1\2[ \t]*$/gm;

/**
 * @param pages     all that there are, so that links to them are found
 * @param isFolder  whether this path below the repository is one
 */
export function linkPage(page: Page, pages: readonly Page[], isFolder: (name: string) => boolean): LinkedMarkdown {
  const slugs = new Map(pages.map(({ file, slug }) => [file, slug]));
  slugs.set("README.md", "");
  const files = new Set<string>();
  const folders = new Set<string>();
  const address = (wanted: string, anchor: string): string => {
    const slug = slugs.get(wanted);
    if (slug !== undefined) return `/${slug}${anchor}`;
    if (isFolder(wanted)) {
      folders.add(wanted);
      return `/${FOLDERS}/${wanted}`;
    }
    files.add(wanted);
    return `/${fileAddress(wanted)}`;
  };
  const linked = (text: string): string =>
    text.replaceAll(LINK, (link: string, label: string, target: string, anchor = "") => {
      if (target === "" || /^[a-z]+:/.test(target) || target.startsWith("/")) return link;
      const wanted = path.posix.join(path.posix.dirname(page.file), target).replace(/\/$/, "");
      const title = pages.find(({ file }) => file === wanted)?.title;
      // Whoever reads the site knows pages by their titles, not by their files.
      const isName = label === `[${target}](` || label === `[${wanted}](`;
      return `${isName && title !== undefined ? `[${title}](` : label}${address(wanted, anchor)}`;
    });
  const parts: string[] = [];
  let at = 0;
  for (const { 0: code, index } of page.markdown.matchAll(FENCED)) {
    parts.push(linked(page.markdown.slice(at, index)), code);
    at = index + code.length;
  }
  parts.push(linked(page.markdown.slice(at)));
  return { markdown: parts.join(""), files: [...files], folders: [...folders] };
}
