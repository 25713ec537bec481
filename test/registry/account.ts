/** The one account of test registries. */

export const REGISTRY_ACCOUNT = { username: "builder", password: "pull-and-push" } as const;

/** Its line in a htpasswd file; the registry takes bcrypt only: `htpasswd -nbB builder pull-and-push`. */
export const REGISTRY_HTPASSWD = `${REGISTRY_ACCOUNT.username}:$2y$05$rancherosregistrytestetlXArgnBe6q5wuNtEJGnO/NhYeafM.e\n`;

export function basicAuthorization(account: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${account.username}:${account.password}`).toString("base64")}`;
}
