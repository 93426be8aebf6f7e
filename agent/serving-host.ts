/** Starts model serving when the first model is to be served, not before: until then it costs no memory and no port. */

import type { DesiredServing, ReplicaStatus } from "#shared/domain.ts";
import { toRunmeshError } from "#shared/errors.ts";
import type { Serving, ServingOptions } from "./serving/serving.ts";

export interface ServingHost {
	reconcile(desired: DesiredServing): void;
	/** For the advert: replicas are reported nowhere else. */
	statuses(): ReplicaStatus[];
	/** Of the V2 API; "" while nothing was ever served. */
	endpoint(): string;
	close(): Promise<void>;
}

export interface ServingHostOptions extends Omit<ServingOptions, "onReplicaChanged"> {
	/** The endpoint or a status. */
	onChange(): void;
}

const RETRY_MS = 5_000;

export const createServingHost = (options: ServingHostOptions): ServingHost => {
	const { onChange, log } = options;
	let desired: DesiredServing = { replicas: [] };
	let serving: Serving | null = null;
	let starting: Promise<void> | null = null;
	/** Why it could not be started; "" before and after. */
	let problem = "";
	let closed = false;

	const start = async (): Promise<void> => {
		try {
			const { startServing } = await import("./serving/serving.ts");
			serving = await startServing({ ...options, onReplicaChanged: onChange });
			problem = "";
			serving.reconcile(desired);
		} catch (error) {
			// Such as a port that another program holds for now.
			problem = `serving could not be started: ${toRunmeshError(error).message}`;
			log.error({ err: error }, "serving could not be started");
			setTimeout(ensureStarted, RETRY_MS).unref();
		} finally {
			starting = null;
		}
		onChange();
	};

	const ensureStarted = (): void => {
		if (closed || serving || desired.replicas.length === 0) return;
		starting ??= start();
	};

	/** What is wanted while it can't be served. */
	const unserved = (): ReplicaStatus[] =>
		problem === ""
			? []
			: desired.replicas.map(({ deployment, version, revision }) => ({
					...{ deployment, version, revision },
					...{ state: "failed", detail: problem, endpoint: "" },
				}));

	return {
		reconcile: (wanted) => {
			desired = wanted;
			if (serving) serving.reconcile(wanted);
			else ensureStarted();
		},
		statuses: () => serving?.statuses() ?? unserved(),
		endpoint: () => serving?.endpoint ?? "",
		close: async () => {
			closed = true;
			await starting;
			await serving?.close();
		},
	};
};
