/** EnvironmentFile= of systemd. Source: systemd.exec(5) */

/** Lines of NAME=VALUE, with # and ; for comments, and quotes around values. What is none of that is passed over, as systemd does. */
export function parseEnvironmentFile(text: string): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const line of text.replaceAll(/\r\n?/g, "\n").replaceAll("\\\n", "").split("\n")) {
    const [, name, value] = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, unquoted(value.trim()));
  }
  return Object.fromEntries(values);
}

function unquoted(value: string): string {
  const [, double] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  if (double !== undefined) return double.replaceAll(/\\(.)/g, "$1");
  return /^'([^']*)'$/.exec(value)?.[1] ?? value;
}
