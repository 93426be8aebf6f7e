/** All supervised processes of one mesh: nodes (coordinator, agents) on top of the wire (nats-server) they speak on. */

import { RunmeshError } from "#shared/errors.ts";
import { type ProcessEvent, type ProcessSpec, type Supervised, supervise } from "./supervise.ts";

type Layer = "wire" | "node";

export interface Crew {
	add<Ready>(spec: Omit<ProcessSpec<Ready>, "onEvent">, layer: Layer): Supervised<Ready>;
	/** null when there is none of that name. */
	find(name: string): Supervised<unknown> | null;
	/** Name → pid of what runs at this moment. */
	processes(): Record<string, number>;
	/** Calls from now on when a process starts, or has left for good. */
	onChange(listener: (processes: Record<string, number>) => void): void;
	/** Nodes first, then the wire. */
	stop(): Promise<void>;
	kill(): void;
}

export const newCrew = (onEvent: (event: ProcessEvent) => void): Crew => {
	const members: { process: Supervised<unknown>; layer: Layer }[] = [];
	let listener: ((processes: Record<string, number>) => void) | null = null;
	let stopped = false;

	const processes = (): Record<string, number> =>
		Object.fromEntries(
			members.flatMap(({ process }) => {
				const pid = process.pid();
				return pid === null ? [] : [[process.name, pid]];
			}),
		);
	const changed = (): void => {
		try {
			listener?.(processes());
		} catch {
			// A full disk must not keep a process from being restarted; the next change is told again.
		}
	};
	const end = (): void => {
		stopped = true;
		listener = null;
	};
	const stopLayer = (layer: Layer): Promise<unknown> =>
		Promise.all(members.filter((member) => member.layer === layer).map(({ process }) => process.stop()));

	return {
		add: (spec, layer) => {
			if (stopped) throw new RunmeshError("RM_UNAVAILABLE", "the mesh is stopping");
			const process = supervise({
				...spec,
				onEvent: (event) => {
					onEvent(event);
					if (event.kind === "started" || event.kind === "left") changed();
				},
			});
			members.push({ process, layer });
			return process;
		},
		find: (name) => members.find(({ process }) => process.name === name)?.process ?? null,
		processes,
		onChange: (given) => {
			listener = given;
		},
		stop: async () => {
			end();
			await stopLayer("node");
			await stopLayer("wire");
		},
		kill: () => {
			end();
			for (const { process } of members) process.kill();
		},
	};
};
