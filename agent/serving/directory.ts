/** Finds the replica for a model's name, and says why there is none. */

import { RunmeshError } from "#shared/errors.ts";
import type { Deployment } from "./deployment.ts";
import type { Models, ServedModel } from "./v2/app.ts";

const RETRY_AFTER_SECONDS = 2;

const servedNow = (deployments: Deployment[]): ServedModel[] =>
	deployments
		.map((deployment) => deployment.served())
		.filter((served) => served !== null)
		.sort((a, b) => b.version - a.version);

export const createDirectory = (list: () => Deployment[]): Models => ({
	find: (model, version) => {
		const served = servedNow(list());
		const fits = (candidate: { model: string; version: number }): boolean =>
			candidate.model === model && (version === undefined || String(candidate.version) === version);
		const found = served.find(fits);
		if (found) return found;

		const label = version === undefined ? `model \`${model}\`` : `model \`${model}\` version ${version}`;
		const expected = list().find(({ wanted }) => wanted !== null && fits(wanted));
		const status = expected?.statuses().at(-1);
		if (status?.state === "failed") throw new RunmeshError("RM_UNAVAILABLE", `${label} failed: ${status.detail}`);
		if (expected) {
			throw new RunmeshError("RM_UNAVAILABLE", `${label} is loading`, {
				details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
			});
		}
		const here = [...new Set(served.map((other) => `\`${other.model}\` version ${other.version}`))];
		throw new RunmeshError("RM_NOT_FOUND", `${label} is not served here; served: ${here.join(", ") || "none"}`);
	},
	versions: (model) =>
		servedNow(list())
			.filter((served) => served.model === model)
			.map(({ version }) => version),
	ready: () =>
		list().every(
			(deployment) => deployment.served() || !deployment.statuses().some(({ state }) => state === "loading"),
		),
});
