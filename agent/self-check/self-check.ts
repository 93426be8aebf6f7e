/** Whether this host can run anything, looked at before the first task is taken and again from time to time. */

import { inTime } from "../in-time.ts";
import type { Check } from "./checks.ts";

export interface SelfCheck {
	/** The first look is over. */
	readonly done: Promise<void>;
	close(): void;
}

const MINUTE_MS = 60_000;
/** What keeps an agent from working may be mended any moment. */
const FAILED_AGAIN_MS = 10_000;
const LIMIT_MS = 10_000;

/** `onResult` hears what is wrong, "" when nothing is, each time that it is something else. */
export const checkRegularly = (
	checks: readonly Check[],
	onResult: (reason: string) => void,
	{ againMs = FAILED_AGAIN_MS, limitMs = LIMIT_MS } = {},
): SelfCheck => {
	/** Those whose last look has not come to its end. */
	const hanging = new Set<Check>();
	let timer: NodeJS.Timeout | null = null;
	let told = "";
	let closed = false;

	const problemOf = async (check: Check): Promise<string> => {
		if (hanging.has(check)) return `the self-check of its ${check.name} hangs`;
		hanging.add(check);
		try {
			await inTime(
				check.check().finally(() => hanging.delete(check)),
				limitMs,
			);
			return "";
		} catch (error) {
			return hanging.has(check)
				? `the self-check of its ${check.name} gave no answer in ${limitMs / 1000} s`
				: (error as Error).message;
		}
	};

	const look = async (): Promise<void> => {
		const problems = (await Promise.all(checks.map(problemOf))).filter((problem) => problem !== "");
		if (closed) return;
		const reason = problems.join("; ");
		if (reason !== told) onResult(reason);
		told = reason;
		timer = setTimeout(look, reason === "" ? MINUTE_MS : againMs);
		timer.unref();
	};

	return {
		done: look(),
		close: () => {
			closed = true;
			if (timer) clearTimeout(timer);
		},
	};
};
