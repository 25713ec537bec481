/** Makes any text a label value that Kubernetes takes. */

const LENGTH_LIMIT = 58;
/** Of the text: what machines send is not to cost more than this. */
const INPUT_LIMIT = 1024;
const ALPHANUMERIC = /[0-9A-Za-z]/;

/** Without what is not alphanumeric at both ends. Loops, since a regular expression for the end is quadratic. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && !ALPHANUMERIC.test(text.charAt(start))) start += 1;
  while (end > start && !ALPHANUMERIC.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/**
 * As the original does it: other characters become dashes, runs of dashes one, the ends alphanumeric, at most 58
 * characters. The original cut last, which could leave a dash at the end that Kubernetes refuses: we trim once more.
 * Source: rancher/elemental-operator pkg/server/labeltmpl.go
 */
export function labelValue(text: string): string {
  const dashed = text
    .slice(0, INPUT_LIMIT)
    .replaceAll(/[^0-9A-Za-z._]+/g, "-")
    .replaceAll(/-+/g, "-");
  return trimmed(trimmed(dashed).slice(0, LENGTH_LIMIT));
}
