/** What validation found, kept as JSON beside the model. */

export const checkNames = [
	"parse",
	"opset",
	"operators",
	"inputs",
	"outputs",
	"external data",
	"session",
	/** Without golden vectors: one run on zeros. */
	"run",
	"golden",
] as const;

export type CheckName = (typeof checkNames)[number];

export interface Check {
	name: CheckName;
	ok: boolean;
	/** What was found; where not ok, what was expected and what to do. */
	detail: string;
}

/** The first check that fails is the last in the list. */
export interface ValidationReport {
	ok: boolean;
	checks: Check[];
	/** "onnxruntime-node 1.30.0" */
	runtime: string;
	/** The execution provider that ran the model; "" where it got no session. */
	provider: string;
	loadMs: number;
	peakRssBytes: number;
	atMs: number;
}

/** Why the model was refused, in one line: "golden: output `y` differs by …". */
export const refusal = ({ checks }: ValidationReport): string => {
	const failed = checks.find((check) => !check.ok);
	return failed ? `${failed.name}: ${failed.detail}` : "validation did not finish";
};

/** What a valid model showed, in one line. */
export const summary = ({ checks, provider, loadMs, peakRssBytes }: ValidationReport): string => {
	const golden = checks.find(({ name }) => name === "golden");
	const measured = `${provider}, loads in ${Math.round(loadMs)} ms, peak ${Math.ceil(peakRssBytes / 1024 ** 2)} MiB`;
	return golden ? `${measured}; golden: ${golden.detail}` : `${measured}; no golden vectors`;
};
