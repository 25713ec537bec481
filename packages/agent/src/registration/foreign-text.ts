/** Text that somebody else wrote and that we print: on one line, short, and unable to move the terminal's cursor. */

const MAX_CHARACTERS = 300;

/**
 * @param text    a refusal's body or a close frame's reason; HTML is left out, as it only says what the status says
 * @param redact  takes out what must not be shown
 * @returns       empty where nothing is left
 */
export function foreignText(text: string, redact: (text: string) => string): string {
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return "";
  const oneLine = redact(text)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return oneLine.length > MAX_CHARACTERS ? `${oneLine.slice(0, MAX_CHARACTERS)}...` : oneLine;
}
