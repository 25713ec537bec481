/** Type 8, port connector information. Source: DMTF DSP0134 7.9; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import { CONNECTOR_TYPES, PORT_TYPES } from "../names/connector-type.ts";
import type { SectionDraft } from "../section.ts";

export function describePortConnector(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x09) return;
  draft.text("Internal Reference Designator", fields.string(0x04));
  draft.text("Internal Connector Type", nameOf(CONNECTOR_TYPES, fields.u8(0x05)));
  draft.text("External Reference Designator", fields.string(0x06));
  draft.text("External Connector Type", nameOf(CONNECTOR_TYPES, fields.u8(0x07)));
  draft.text("Port Type", nameOf(PORT_TYPES, fields.u8(0x08)));
}
