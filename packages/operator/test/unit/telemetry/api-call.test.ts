/** What is counted of requests to the API server. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { API_RESOURCES, API_VERBS, apiTarget, apiVerb, statusOutcome } from "../../../src/telemetry/api-call.ts";

it.each([
  ["/api/v1/namespaces/a/secrets", "secrets", false],
  ["/api/v1/namespaces/a/secrets/b", "secrets", true],
  ["/api/v1/secrets?limit=50&fieldSelector=type%3Dx", "secrets", false],
  ["/api/v1/namespaces/a", "namespaces", true],
  ["/apis/rancheros.cattle.io/v1/machineinventories?watch=true", "machineinventories", false],
  ["/apis/rancheros.cattle.io/v1/namespaces/a/machineinventories/m/status", "machineinventories", true],
  ["/apis/management.cattle.io/v3/settings/server-url", "settings", true],
  ["/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "leases", true],
  ["/apis/example.com/v1/namespaces/a/secretive/b", "other", true],
  ["", "other", false],
] as const)("%s is of %s", (path, resource, isNamed) => {
  expect(apiTarget(path)).toEqual({ resource, isNamed });
});

it("has its words from closed sets, whatever is asked for and whatever is answered", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 100, max: 999 }), (path, method, status) => {
      const { resource, isNamed } = apiTarget(`/${path}`);
      expect(API_RESOURCES).toContain(resource);
      expect(API_VERBS).toContain(apiVerb(method, isNamed));
      expect(["ok", "not_found", "conflict", "gone", "throttled", "refused", "failed"]).toContain(
        statusOutcome(status),
      );
    }),
  );
});
