/** An image in a registry, and what is said of it where a policy wants it signed. */
import { CodedError } from "../../../src/errors/index.ts";
import {
  checkImage,
  parseImagePolicy,
  type ImageVerdict,
  type SignatureSource,
} from "../../../src/signatures/index.ts";
import {
  memoryRegistry,
  NAME,
  pushImage,
  testSigner,
  type MemoryRegistry,
} from "../../../../../test/sigstore/registry-in-memory.ts";

export const ours = testSigner();
export const stranger = testSigner();
export const OTHER = `sha256:${"0".repeat(64)}`;

interface Asked {
  readonly keys?: readonly string[];
  readonly rule?: Readonly<Record<string, unknown>>;
  readonly digests?: readonly [string, ...string[]];
  readonly name?: string;
  readonly source?: SignatureSource;
}

export interface CheckedImage {
  readonly registry: MemoryRegistry;
  readonly image: string;
  readonly check: (asked?: Asked) => Promise<ImageVerdict>;
  /** @returns code and message */
  readonly refused: (asked?: Asked) => Promise<readonly [string, string]>;
}

export function checkedImage(): CheckedImage {
  const registry = memoryRegistry();
  const image = pushImage(registry, "v1");
  const check = (asked: Asked = {}): Promise<ImageVerdict> => {
    const require = (asked.keys ?? [ours.pem]).map((publicKey) => ({ publicKey }));
    const policy = parseImagePolicy([{ images: ["registry.example.com/**"], require, ...asked.rule }], "policy.yaml");
    const verifyKeyless = () => Promise.resolve({ problem: "nobody is to be asked" });
    const { name = NAME, digests = [image], source = registry } = asked;
    return checkImage({ name, digests }, { policy, source, verifyKeyless });
  };
  const refused = async (asked: Asked = {}): Promise<readonly [string, string]> => {
    try {
      return ["let in", JSON.stringify(await check(asked))];
    } catch (error) {
      if (error instanceof CodedError) return [error.code, error.message];
      throw error;
    }
  };
  return { registry, image, check, refused };
}
