/** The chart's Secret and ConfigMap put back to their first state, empty, as by `helm upgrade --force`: the CA must not be lost. */
import { afterEach, expect, it } from "vitest";
import { cluster, CONFIG_MAP, MINUTE_MS, replica, SECRET, stopReplicas } from "./tls-replica.ts";

afterEach(stopReplicas);

it("is written back by a replica that still holds it, the ConfigMap with it, and all replicas keep it", async () => {
  const api = cluster();
  api.install();
  const [one, two] = [await replica(api), await replica(api)];
  const [secret, published] = [api.data(SECRET), api.data(CONFIG_MAP)];
  expect(secret).toHaveProperty(["ca.key"]);
  const { ca } = one;
  const before = ca();
  api.force();
  await one.look();
  await two.look();
  expect([api.data(SECRET), api.data(CONFIG_MAP)]).toEqual([secret, published]);
  expect([one.ca(), two.ca()]).toEqual([before, before]);
  expect(one.said).toContain("the Secret of the CA was emptied: what this replica held is in it again");
  // Both at once.
  api.force();
  await Promise.all([one.look(), two.look()]);
  expect([api.data(SECRET), api.data(CONFIG_MAP)]).toEqual([secret, published]);
  // As in a rolling update, after which nobody is left who had made it.
  const three = await replica(api);
  api.force();
  await three.look();
  expect(api.data(SECRET)).toEqual(secret);
});

it("is left behind where the Secret was deleted: also where helm made it anew, empty, before anybody looked", async () => {
  const api = cluster();
  api.install();
  const one = await replica(api);
  const keys = [api.data(SECRET)?.["ca.key"]];
  api.forget(SECRET);
  await one.look();
  keys.push(api.data(SECRET)?.["ca.key"]);
  api.forget(SECRET);
  api.install();
  await one.look();
  keys.push(api.data(SECRET)?.["ca.key"]);
  expect(keys).not.toContain(undefined);
  expect(new Set(keys).size).toBe(3);
  // The one that it made in place of the deleted one is held as every other.
  api.force();
  await one.look();
  expect(api.data(SECRET)?.["ca.key"]).toBe(keys[2]);
});

it("is waited for by a replica that starts meanwhile, until one that holds it writes it back", async () => {
  const api = cluster();
  api.install();
  const one = await replica(api);
  const secret = api.data(SECRET);
  api.pass(11 * MINUTE_MS);
  api.force();
  const two = await replica(api, async (pausedMs) => (pausedMs >= MINUTE_MS ? one.look() : undefined));
  expect(api.data(SECRET)).toEqual(secret);
  expect(two.ca()).toBe(one.ca());
  expect(two.pausedMs()).toBeLessThan(1.5 * MINUTE_MS);
});

it("is made anew where nobody holds it any more, after a wait that ends", async () => {
  const api = cluster();
  api.install();
  api.pass(11 * MINUTE_MS);
  const one = await replica(api);
  expect(api.data(SECRET)).toHaveProperty(["ca.key"]);
  expect(one.pausedMs()).toBeGreaterThan(75_000);
  expect(one.pausedMs()).toBeLessThanOrEqual(2 * MINUTE_MS);
  expect(one.said.filter((sentence) => sentence.includes("empty"))).toHaveLength(1);
});

it.each([[true], [false]])(
  "is made at once by the first replica of a new installation (with the chart's Secret: %j)",
  async (isMade) => {
    const api = cluster();
    if (isMade) api.install();
    api.pass(9 * MINUTE_MS);
    const one = await replica(api);
    expect(one.pausedMs()).toBe(0);
    expect(api.data(SECRET)).toHaveProperty(["ca.key"]);
  },
);
