/** Keys of labels and annotations, as Kubernetes takes them. */

/** One word between dots. */
const WORD = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

/** Beside it the prefix is bound to LABEL_PREFIX_MAX. In the words that RE2 and JavaScript share. */
export const LABEL_KEY = `^(${WORD}([.]${WORD})*/)?${NAME}$`;

/** Characters before the slash. */
export const LABEL_PREFIX_MAX = 253;

const PATTERN = new RegExp(LABEL_KEY);

/** Source: Kubernetes apimachinery pkg/util/validation, IsQualifiedName and IsDNS1123Subdomain */
export function isLabelKey(key: string): boolean {
  return key.indexOf("/") <= LABEL_PREFIX_MAX && PATTERN.test(key);
}
