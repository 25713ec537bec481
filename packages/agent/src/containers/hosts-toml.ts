/** The file by which containerd's clients find the relay: it is for root only, where ctr's own flags would show the login to all. */

/**
 * As `_default/hosts.toml` it is for every registry.
 * @param host   of the relay
 * @param login  base64 of user and password
 * Source: containerd docs/hosts.md
 */
export function hostsToml(host: string, login: string): string {
  const lines = [
    `server = "http://${host}"`,
    'capabilities = ["pull", "resolve"]',
    "[header]",
    `authorization = "Basic ${login}"`,
  ];
  return `${lines.join("\n")}\n`;
}
