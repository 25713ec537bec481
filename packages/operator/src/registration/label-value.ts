/** Makes any text a label value that Kubernetes takes. */

const LENGTH_LIMIT = 58;
const ENDS = /^[^0-9A-Za-z]+|[^0-9A-Za-z]+$/g;

/**
 * As the original does it: other characters become dashes, runs of dashes one, the ends alphanumeric, at most 58
 * characters. The original cut last, which could leave a dash at the end that Kubernetes refuses: we trim once more.
 * Source: rancher/elemental-operator pkg/server/labeltmpl.go
 */
export function labelValue(text: string): string {
  const dashed = text.replaceAll(/[^0-9A-Za-z._]/g, "-").replaceAll(/-+/g, "-");
  return dashed.replaceAll(ENDS, "").slice(0, LENGTH_LIMIT).replaceAll(ENDS, "");
}
