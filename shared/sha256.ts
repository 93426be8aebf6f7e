/** SHA-256 of a text, as hex: equal texts, and no others, make equal digests. */

import { createHash } from "node:crypto";

export const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");
