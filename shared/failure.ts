/** A failure that no exit code or signal tells of. */

import type { Failure, FailureCause } from "./domain.ts";

export const failureOf = (cause: FailureCause, message: string): Failure => ({ cause, message, signal: "" });
