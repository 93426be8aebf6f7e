/** Images on this host: there, or pulled, once for all who wait for the same. */

import { formatDuration } from "#shared/pipeline/units.ts";
import { AttemptError } from "../failure.ts";
import { ClientError, call } from "./client.ts";
import type { Engine } from "./engine.ts";

export interface ReadyImage {
	/** What the engine calls it here, for good: a tag may mean another tomorrow. */
	id: string;
	/** What its registry calls it; "" for one that came from none. */
	digest: string;
	/** 0 when it was here. */
	pulledMs: number;
}

export interface Images {
	/** `onPull` is told before it is pulled. */
	ready(engine: Engine, image: string, signal: AbortSignal, onPull: () => void): Promise<ReadyImage>;
}

interface Pull {
	done: Promise<void>;
	waiting: number;
	abort: AbortController;
}

/** Images for GPUs have many gigabytes. */
const PULL_MS = 60 * 60_000;

export const createImages = (host: string, nowMs: () => number): Images => {
	const pulls = new Map<string, Pull>();

	const pull = async (engine: Engine, image: string, signal: AbortSignal): Promise<void> => {
		const key = `${engine.name} ${image}`;
		let under = pulls.get(key);
		if (!under) {
			const abort = new AbortController();
			const done = call(engine, ["pull", "--quiet", image], { timeoutMs: PULL_MS, signal: abort.signal });
			const started: Pull = { done: done.then(() => undefined), waiting: 0, abort };
			const forget = (): void => {
				if (pulls.get(key) === started) pulls.delete(key);
			};
			started.done.then(forget, forget);
			pulls.set(key, started);
			under = started;
		}
		const of = under;
		of.waiting++;
		try {
			await unlessAborted(of.done, signal);
		} finally {
			// The last who does not want it any more ends it.
			if (--of.waiting === 0) {
				of.abort.abort();
				pulls.delete(key);
			}
		}
	};

	return {
		ready: async (engine, image, signal, onPull) => {
			const here = await inspect(engine, image, signal);
			if (here) return { ...here, pulledMs: 0 };
			onPull();
			const startedMs = nowMs();
			try {
				await pull(engine, image, signal);
			} catch (error) {
				throw error instanceof ClientError ? notPulled(image, engine, host, error) : error;
			}
			const pulled = await inspect(engine, image, signal);
			if (!pulled) throw new AttemptError("setup", `${engine.name} pulled the image ${image}, and does not know it`);
			return { ...pulled, pulledMs: Math.max(1, nowMs() - startedMs) };
		},
	};
};

const inspect = async (
	engine: Engine,
	image: string,
	signal: AbortSignal,
): Promise<{ id: string; digest: string } | null> => {
	try {
		const said = await call(engine, ["image", "inspect", "--format", "{{.Id}} {{json .RepoDigests}}", image], {
			signal,
		});
		const [, id = "", digests = "null"] = /^(\S+) (.*)\n?$/.exec(said) ?? [];
		return { id, digest: (JSON.parse(digests) as string[] | null)?.[0]?.split("@")[1] ?? "" };
	} catch (error) {
		if (!(error instanceof ClientError) || error.unreachable) throw error;
		if (/no such image|image not known|not found/i.test(error.message)) return null;
		throw new AttemptError("setup", `${engine.name} can't tell of the image ${image}: ${error.message}`);
	}
};

const unlessAborted = (done: Promise<void>, signal: AbortSignal): Promise<void> =>
	new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const stop = (): void => reject(signal.reason);
		signal.addEventListener("abort", stop, { once: true });
		done.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
	});

const NO_SUCH =
	/manifest unknown|manifest for .* not found|repository does not exist|name unknown|access denied|denied:/i;

const notPulled = (image: string, { name }: Engine, host: string, { message, unreachable }: ClientError): Error => {
	if (unreachable && /gave no answer/.test(message)) {
		const limit = formatDuration(PULL_MS);
		return new AttemptError("setup", `the image ${image} was not pulled on ${host} within ${limit}`);
	}
	const advice = NO_SUCH.test(message)
		? `check its name, or sign ${host} in with "${name} login"`
		: `check that ${host} reaches the registry, or bring the image there with "${name} load"`;
	return new AttemptError("setup", `the image ${image} could not be pulled on ${host}: ${message}; ${advice}`);
};
