/** What a check of `doctor` comes to. */

export type Verdict = "ok" | "warn" | "fail";

export interface Check {
	name: string;
	verdict: Verdict;
	/** What was found. */
	detail: string;
	/** What to do about it; "" where nothing needs doing. */
	advice: string;
}

const check =
	(verdict: Verdict) =>
	(name: string, detail: string, advice = ""): Check => ({ name, verdict, detail, advice });

export const ok = check("ok");
export const warn = check("warn");
export const fail = check("fail");
