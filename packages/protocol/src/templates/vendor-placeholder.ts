/** What firmware says that nobody has set up: the same on every such machine, so that it names none of them. */

/** What is longer is no placeholder that anybody knows. */
const LENGTH_LIMIT = 256;

const PLACEHOLDERS: readonly RegExp[] = [
  /^([0-]*|f+|x+|\.+|0?1234567890?|0?123456789|none|null|n\/?a|invalid|unknown|undefined|default( string)?|empty|o\.?e\.?m\.?)$/,
  /^to be filled by o\.?e\.?m\.?$/,
  /^not (specified|applicable|available|present|provided|settable)$/,
  /^(system|chassis|base ?board) (manufacturer|product name|version|serial number|sku|family)$/,
  /^(no asset (tag|information)|asset[- ]?1234567890)$/,
  // What dmidecode says of tables that are damaged.
  /^<(bad index|out of spec)>$/,
  // UUIDs that whole series of boards have.
  /^(f{8}-(f{4}-){3}f{12}|03000200-0400-0500-0006-000700080009)$/,
];

/** @param text  a value of SMBIOS */
export function isVendorPlaceholder(text: string): boolean {
  const words = text
    .slice(0, LENGTH_LIMIT)
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .toLowerCase();
  return PLACEHOLDERS.some((one) => one.test(words));
}
