/** Makes of what an image refers to what machines are told to do, and tells whether all of that can be had. */
import { hasCode } from "@rancheros/protocol/errors";
import type { Waiting } from "@rancheros/protocol/upgrade";
import { errorFields } from "../telemetry/index.ts";
import { buildPlan, requirePlan } from "./build-plan.ts";
import type { Found } from "./describe-rollout.ts";
import type { ImageState } from "./image-state.ts";
import { MaterialLooks } from "./material-looks.ts";
import type { Asked } from "./rollout-desk.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { QUEUED } from "./waiting.ts";

const MESSAGE_MAX = 500;

export interface PlanMakerTold {
  /** All that the image refers to was there. */
  readonly onHad: (key: string) => void;
  readonly onFailure: (key: string, error: unknown) => void;
  /** It is to be said in the status. */
  readonly onFound: (key: string, found: Found) => void;
}

export class PlanMaker {
  readonly #index: RolloutIndex;
  readonly #materials: RolloutParts["materials"];
  readonly #told: PlanMakerTold;
  readonly looks: MaterialLooks;

  constructor(
    index: RolloutIndex,
    parts: Pick<RolloutParts, "materials" | "lagMs" | "random" | "setTimer">,
    told: PlanMakerTold,
  ) {
    this.#index = index;
    this.#materials = parts.materials;
    this.#told = told;
    this.looks = new MaterialLooks(index, parts, (image) => this.check(image));
  }

  /** Whether machines could be told what to do. @returns why they cannot */
  async check(image: ImageState): Promise<Waiting | undefined> {
    try {
      const materials = await this.#materials(image.image.object);
      if (image.plan !== undefined) requirePlan(image.image, image.plan, materials);
      this.#resolved(image);
      return undefined;
    } catch (error) {
      return this.#unresolved(image, error);
    }
  }

  /** For the machine that holds its slot of the current plan. */
  async planOrWaiting(image: ImageState, uid: string): Promise<Pick<Asked, "plan" | "waiting">> {
    const slot = image.slots.get(uid);
    if (slot === undefined || slot.plan !== image.plan) return { plan: undefined, waiting: QUEUED };
    try {
      const plan = buildPlan(image.image, slot, await this.#materials(image.image.object));
      this.#resolved(image);
      return { plan, waiting: undefined };
    } catch (error) {
      if (hasCode(error, "ROLLOUT_CONTESTED")) return { plan: undefined, waiting: QUEUED };
      return { plan: undefined, waiting: this.#unresolved(image, error) };
    }
  }

  /** All that the image refers to can be had: what was said against that is over. */
  #resolved(state: ImageState): void {
    const { key, object } = state.image;
    if (this.#index.image(key) !== state) return;
    this.#told.onHad(key);
    const condition = object.status?.conditions?.find(({ type }) => type === "Resolved");
    if (condition?.status !== "True") this.#told.onFound(key, "fine");
  }

  /** What the image refers to cannot be had. */
  #unresolved(image: ImageState, error: unknown): Waiting {
    const { reason, error: message } = errorFields(error);
    const { key } = image.image;
    // Of a spec that is another one by now nothing is to be said.
    if (this.#index.image(key) === image) {
      this.#told.onFailure(key, error);
      this.#told.onFound(key, { reason, message });
    }
    return { reason: "Unresolved", message: message.slice(0, MESSAGE_MAX) };
  }
}
