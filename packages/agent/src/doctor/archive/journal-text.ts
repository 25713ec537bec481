/** The journal of one unit, as lines that people read. Source: systemd.journal-fields(7), journalctl(1) `--output=json` */

const MESSAGE_MAX_CHARACTERS = 8 * 1024;

/** @param json  one object a line, of which only time, priority, process and message are taken */
export function journalText(json: string): string {
  const lines = json.split("\n").flatMap((line) => {
    const entry = readEntry(line);
    return entry === undefined ? [] : [entry];
  });
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function readEntry(line: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const message = textOf(fields["MESSAGE"]);
  if (message === undefined) return undefined;
  const micros = Number(fields["__REALTIME_TIMESTAMP"]);
  const at = new Date(Number.isFinite(micros) ? micros / 1000 : Number.NaN);
  const time = Number.isNaN(at.getTime()) ? "?" : at.toISOString();
  const priority = /^[0-7]$/.test(String(fields["PRIORITY"])) ? String(fields["PRIORITY"]) : "?";
  const who = (textOf(fields["SYSLOG_IDENTIFIER"]) ?? "").replaceAll(/[^\w.@-]/g, "").slice(0, 40) || "?";
  return `${time} <${priority}> ${who}: ${message}`;
}

/** What is no UTF-8 is there as an array of bytes. */
function textOf(value: unknown): string | undefined {
  const text = Array.isArray(value)
    ? Buffer.from(value.filter((one) => typeof one === "number")).toString("utf8")
    : value;
  // The end is cut, and with it may be half a secret: so is the word that it stands in.
  if (typeof text !== "string") return undefined;
  return text.length <= MESSAGE_MAX_CHARACTERS
    ? text
    : `${text.slice(0, MESSAGE_MAX_CHARACTERS).replace(/\S*$/, "")}[cut]`;
}
