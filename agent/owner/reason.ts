/** Why the machine is its owner's now; "" while it takes work. */

import { formatDuration } from "#shared/pipeline/units.ts";
import { isWithin } from "./hours.ts";
import type { OwnerTerms } from "./terms.ts";

/** `inputAtMs` is when somebody last typed at the machine; null when that is not known. */
export const ownerReason = (
	{ hours, yieldMs }: Pick<OwnerTerms, "hours" | "yieldMs">,
	at: Date,
	inputAtMs: number | null,
): string => {
	if (hours && !isWithin(hours, at)) return `its owner gives it only at these times: ${hours.text}`;
	if (yieldMs === null || inputAtMs === null || at.getTime() - inputAtMs >= yieldMs) return "";
	return `its owner is active: it takes work ${formatDuration(yieldMs)} after the last input`;
};
