/** The pages of the site, what they are called, and where they stand in the menu. A page that no group names stands in the last one. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** The menu: a new page gets a line here; until then it is found under the last heading by its title. */
const GROUPS: readonly (readonly [title: string, pages: readonly string[]])[] = [
  ["Begin", ["quick-start", "concepts"]],
  [
    "Install",
    ["install-operator", "install-by-pxe", "install-by-iso", "install", "node", "bring-your-own-image", "build"],
  ],
  ["Machines", ["registration", "trust", "upgrades", "versions", "signed-images"]],
  ["Operate", ["operations", "rancher", "doctor", "troubleshooting", "errors", "performance"]],
  ["Migrate", ["migrate-from-rancheros-operator", "migrate-from-elemental"]],
  ["Reference", ["settings", "protocol"]],
  ["Security", ["security", "reporting", "dependencies"]],
];
/** Where the title alone says too little, or too much, for the menu. */
const SHORT: Readonly<Record<string, string>> = {
  "install-operator": "The operator, with helm",
  install: "A machine's disk",
  node: "Services on a node",
  "migrate-from-rancheros-operator": "From rancheros-operator",
  security: "Who attacks, and with what",
  reporting: "Report a weakness",
};
const REST = "Further pages";

/** Files outside docs/ that are pages of the site too. */
const ELSEWHERE: readonly (readonly [file: string, slug: string])[] = [
  ["CONTRIBUTING.md", "contributing"],
  ["SECURITY.md", "reporting"],
];

export interface Page {
  /** Path below the repository. */
  readonly file: string;
  /** Path below the site, without ending. */
  readonly slug: string;
  readonly title: string;
  readonly markdown: string;
}

function readPage(file: string, slug: string): Page {
  const markdown = readFileSync(path.join(REPOSITORY, file), "utf8");
  const title = /^# (.+)$/m.exec(markdown)?.[1];
  if (title === undefined) throw new Error(`${file} has no title: a line that begins with "# "`);
  return { file, slug, title: title.replaceAll("`", ""), markdown };
}

/** Every page, in no order. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(path.join(REPOSITORY, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => name.split(path.sep).join("/"))
    .toSorted();
  return [
    ...docs.map((name) => readPage(`docs/${name}`, name.slice(0, -".md".length))),
    ...ELSEWHERE.filter(([file]) => existsSync(path.join(REPOSITORY, file))).map(([file, slug]) =>
      readPage(file, slug),
    ),
  ];
}

interface MenuItem {
  readonly text: string;
  readonly link: string;
}

export interface MenuGroup {
  readonly text: string;
  readonly collapsed?: boolean;
  readonly items: readonly MenuItem[];
}

function item({ title, slug }: Page): MenuItem {
  return { text: SHORT[slug] ?? title, link: `/${slug}` };
}

/** Names of GROUPS may be of pages that are still to come. */
export function menuOf(pages: readonly Page[]): readonly MenuGroup[] {
  const bySlug = new Map(pages.map((page) => [page.slug, page]));
  const decisions = pages.filter(({ slug }) => slug.startsWith("decisions/"));
  const references = pages.filter(({ slug }) => slug.startsWith("reference/"));
  const named = new Set([...GROUPS.flatMap(([, slugs]) => slugs), "contributing"]);
  const rest = pages.filter((page) => !named.has(page.slug) && !decisions.includes(page) && !references.includes(page));
  const groups = GROUPS.map(([text, slugs]) => {
    const own = slugs.flatMap((slug) => bySlug.get(slug) ?? []);
    return { text, items: [...(text === "Reference" ? references : []), ...own].map((page) => item(page)) };
  });
  const contributing = bySlug.get("contributing");
  const behind: readonly MenuGroup[] = [
    { text: REST, items: rest.map((page) => item(page)) },
    {
      text: "Why it is so",
      collapsed: true,
      items: [...(contributing === undefined ? [] : [contributing]), ...decisions].map((page) => item(page)),
    },
  ];
  return [...groups, ...behind].filter(({ items }) => items.length > 0);
}
