/** From a desired replica to one that serves: files here, validated, loaded, warm. */

import type { DesiredReplica } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { ServingLimits } from "./limits.ts";
import type { ModelFiles, PlacedFile } from "./model-files.ts";
import { type Replica, startReplica } from "./replica.ts";
import { runtimeName } from "./runtime.ts";
import { refusal, summary, type ValidationReport } from "./validation/report.ts";
import { validateModel } from "./validation/validate.ts";

export interface BringUpContext {
	files: ModelFiles;
	limits: ServingLimits;
	/** Lets one model at a time use the machine for validation and loading. */
	inTurn: <T>(work: () => Promise<T>) => Promise<T>;
	nowMs: () => number;
}

export interface BringUpEvents {
	/** What is being done. */
	onPhase: (detail: string) => void;
	onDeath: (how: string) => void;
	onFailed: (reason: string) => void;
}

export interface Brought {
	replica: Replica;
	/** What validation measured, in a line. */
	detail: string;
}

/** Bringing files can take long and can't be stopped; nobody waits for it once the signal aborts. */
const orAbort = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
	new Promise((resolve, reject) => {
		const abort = (): void => reject(signal.reason);
		if (signal.aborted) abort();
		signal.addEventListener("abort", abort, { once: true });
		work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
	});

/** Throws RM_MODEL_INVALID where the model is refused; a retryable error where the next try may go better. */
export const bringUp = async (
	context: BringUpContext,
	wanted: DesiredReplica,
	events: BringUpEvents,
	signal: AbortSignal,
): Promise<Brought> => {
	const { files, limits, nowMs } = context;
	const { artifact, golden, model, version } = wanted;
	if (!artifact) throw new RunmeshError("RM_MODEL_INVALID", `${model} version ${version} names no artifact`);

	const validate = async (placed: PlacedFile, goldenPath: string | null): Promise<ValidationReport> => {
		const known = await files.readReport(artifact.digest, golden?.digest ?? null);
		if (known?.ok && known.runtime === runtimeName()) return known;
		events.onPhase("validating");
		const report = await validateModel({
			modelPath: placed.path,
			root: placed.root,
			goldenPath,
			timeMs: limits.validationMs,
			memoryBytes: limits.memoryBytes,
			signal,
			nowMs,
		});
		await files.writeReport(artifact.digest, golden?.digest ?? null, report);
		if (!report.ok) throw new RunmeshError("RM_MODEL_INVALID", refusal(report), { details: report });
		return report;
	};

	let placedEarlier = false;
	const attempt = async (): Promise<Brought> => {
		events.onPhase("fetching");
		const placed = await orAbort(files.bring(artifact, ".onnx"), signal);
		const goldenFile = golden ? await orAbort(files.bring(golden, ".json"), signal) : null;
		placedEarlier = !placed.fresh || goldenFile?.fresh === false;
		return context.inTurn(async () => {
			signal.throwIfAborted();
			const report = await validate(placed, goldenFile?.path ?? null);
			events.onPhase("loading");
			const replica = await startReplica(
				{
					label: `${model} version ${version}`,
					modelPath: placed.path,
					goldenPath: goldenFile?.path ?? null,
					limits,
					onDeath: events.onDeath,
					onFailed: events.onFailed,
					nowMs,
				},
				signal,
			);
			return { replica, detail: summary(report) };
		});
	};

	try {
		return await attempt();
	} catch (error) {
		// Files from before may have suffered, in a power cut say; what comes from the store is verified.
		if (!placedEarlier || signal.aborted) throw error;
		await files.discard(artifact.digest);
		if (golden) await files.discard(golden.digest);
		return attempt();
	}
};
