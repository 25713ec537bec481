/** What refers to a digest, page by page. */
import { nextPage } from "@rancheros/protocol/images";
import { SIGSTORE_BUNDLE_TYPE, type ReferrersPage } from "@rancheros/protocol/signatures";
import { answerFailure } from "./answer-failure.ts";
import { referrersUrl, type Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { headerList, headerText } from "./registry-outside.ts";
import type { RegistryVisit } from "./registry-visit.ts";

/** Answers of registries that do not know the question. Source: OCI distribution-spec 1.1, "Unavailable Referrers API" */
const NO_SUCH_LIST: ReadonlySet<number> = new Set([400, 404, 405, 406, 501]);
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

/**
 * @returns undefined where the registry does not know such a list
 * @throws RegistryError
 * Source: OCI distribution-spec 1.1, "Listing Referrers"
 */
export async function readReferrers(
  visit: RegistryVisit,
  endpoint: Endpoint,
  digest: string,
): Promise<ReferrersPage | undefined> {
  const what = `${endpoint.host}: ${endpoint.repository}, what refers to ${digest}`;

  async function read(url: URL): Promise<ReferrersPage | number> {
    const answer = await visit.ask("GET", url, INDEX_TYPE);
    if (answer.status !== 200 && !NO_SUCH_LIST.has(answer.status)) throw answerFailure(answer, what);
    // Some registries answer to every path, with a page for people.
    const type = headerText(answer, "content-type")?.split(";")[0]?.trim().toLowerCase();
    if (answer.status !== 200 || type !== INDEX_TYPE) return answer.status;
    const next = nextPage(headerList(answer, "link"), url);
    return { index: answer.body, next: next === undefined ? undefined : () => readNext(next) };
  }

  async function readNext(url: URL | "elsewhere"): Promise<ReferrersPage> {
    // Not before it is asked for: what is looked for may be on the page that there is.
    if (url === "elsewhere") throw nonsense("is said to go on elsewhere");
    const page = await read(url);
    if (typeof page === "object") return page;
    throw nonsense(`goes on with something else, HTTP ${page}`);
  }

  function nonsense(problem: string): RegistryError {
    return new RegistryError("REGISTRY_NONSENSE", `${what}: ${problem}`);
  }

  const first = await read(referrersUrl(endpoint, digest, SIGSTORE_BUNDLE_TYPE));
  return typeof first === "object" ? first : undefined;
}
