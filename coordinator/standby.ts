/** While another coordinator leads: who it is, for the log, for the process that started this one, and for callers. */

import type { Logger } from "pino";
import { type StandbyHttp, startStandbyHttp } from "./http/standby.ts";
import type { LeaderRecord } from "./journal/leadership.ts";
import type { CoordinatorOptions } from "./options.ts";

export interface Standby {
	/** Another one leads, or still does. */
	heard(leader: LeaderRecord): void;
	/** This one leads: its ports are free again. */
	end(): Promise<void>;
}

export const createStandby = ({ host, httpPort }: CoordinatorOptions, log: Logger): Standby => {
	let known: LeaderRecord | null = null;
	let http: Promise<StandbyHttp> | null = null;
	return {
		heard: (leader) => {
			http ??= startStandbyHttp(host, httpPort, () => known?.url ?? "");
			const { coordinatorId, url, grpc } = leader;
			if (known?.coordinatorId === coordinatorId && known.url === url) return;
			known = leader;
			log.info({ leader: coordinatorId, url }, "another coordinator leads; standing by");
			process.send?.({ ready: true, url, grpc });
		},
		end: async () => (await http)?.close(),
	};
};
