/** The endpoints of the attestation protocol with a span around each request, where somebody wants traces. */
import { stepWord, type ProtocolEndpoint } from "./http/index.ts";
import type { Tracer } from "./tracing/index.ts";

export function tracedProtocol(protocol: ProtocolEndpoint, tracer: Tracer | undefined): ProtocolEndpoint {
  if (tracer === undefined) return protocol;
  return {
    answer(request) {
      const step = stepWord(request.target);
      return tracer.inSpan(
        `machine ${step}`,
        () => protocol.answer(request),
        ({ status }) => ({
          attributes: { "rancheros.step": step, "http.response.status_code": status },
          isError: status >= 500,
        }),
      );
    },
  };
}
