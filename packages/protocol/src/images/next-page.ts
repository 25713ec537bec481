/** Where a registry's list goes on. */

/** `<TARGET>; NAME=VALUE; NAME="VALUE"` among what a Link header has; commas between quotes end none. */
const LINK = /<([^<>]{1,2048})>((?:[^",<]|"(?:[^"\\]|\\.)*")*)/gs;
const PARAMETER = /;\s*([^\s;,="]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?/gs;
const HEADER_LIMIT = 16_384;

/**
 * @param link  header of the answer
 * @param from  what was asked
 * @returns the next page, which is of the same list at the same server; "elsewhere" where it is said to be of another one:
 *          whoever went there would take somebody's account along
 * Source: RFC 8288; OCI distribution-spec 1.1, "Listing Tags" and "Listing Referrers"
 */
export function nextPage(link: string | undefined, from: URL): URL | "elsewhere" | undefined {
  const target = nextTarget((link ?? "").slice(0, HEADER_LIMIT));
  if (target === undefined) return undefined;
  const url = URL.parse(target, from);
  const isOfList =
    url?.origin === from.origin && url.pathname === from.pathname && url.username === "" && url.password === "";
  if (url === null || !isOfList) return "elsewhere";
  url.hash = "";
  // A mirror is told for whom it is asked, whether or not it has written that down.
  const namespace = from.searchParams.get("ns");
  if (namespace !== null && !url.searchParams.has("ns")) url.searchParams.set("ns", namespace);
  return url.href === from.href ? "elsewhere" : url;
}

function nextTarget(header: string): string | undefined {
  for (const [, target, parameters = ""] of header.matchAll(LINK)) {
    const all = [...parameters.matchAll(PARAMETER)];
    // Where there are several, the first one counts.
    const relation = all.find(([, name = ""]) => name.toLowerCase() === "rel")?.[2] ?? "";
    const types = relation.replaceAll('"', "").toLowerCase().split(/\s+/);
    if (types.includes("next")) return target;
  }
  return undefined;
}
