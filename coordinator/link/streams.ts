/**
 * The streams and buckets of the mesh (DESIGN §4), made when missing. Tasks and reports live in memory: both can be
 * derived again from the journal and the agents' disks, so a synced write for each would buy nothing.
 */

import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType, type StreamConfig } from "nats";
import { stores, streams, subjects } from "#shared/subjects.ts";

const NANOS_PER_MS = 1_000_000;
/** A retried publish is one message; a report sent anew, because a deposed leader took it unheard, must pass. */
const RESEND_WINDOW_MS = 10_000;

export interface StreamOptions {
	/** 1 embedded, 3 clustered. */
	replicas: number;
}

const workQueue = (name: string, subject: string, replicas: number): Partial<StreamConfig> => ({
	name,
	subjects: [subject],
	retention: RetentionPolicy.Workqueue,
	storage: StorageType.Memory,
	num_replicas: replicas,
	max_bytes: 512 * 1024 * 1024,
	discard: DiscardPolicy.New,
	duplicate_window: RESEND_WINDOW_MS * NANOS_PER_MS,
});

/** As an object store is made; its client can't be told how many replicas. */
const snapshotStore = (replicas: number): Partial<StreamConfig> => ({
	name: `OBJ_${stores.snapshots}`,
	subjects: [`$O.${stores.snapshots}.C.>`, `$O.${stores.snapshots}.M.>`],
	storage: StorageType.File,
	discard: DiscardPolicy.New,
	allow_rollup_hdrs: true,
	allow_direct: true,
	num_replicas: replicas,
});

const configs = ({ replicas }: StreamOptions): Partial<StreamConfig>[] => [
	{
		name: streams.journal,
		subjects: [subjects.journal],
		retention: RetentionPolicy.Limits,
		storage: StorageType.File,
		discard: DiscardPolicy.New,
		deny_delete: true,
		num_replicas: replicas,
		duplicate_window: 600_000 * NANOS_PER_MS,
	},
	workQueue(streams.reports, subjects.reports, replicas),
	workQueue(streams.tasks, subjects.tasks, replicas),
	snapshotStore(replicas),
];

export const ensureStreams = (manager: JetStreamManager, options: StreamOptions): Promise<void> =>
	addMissing(manager, configs(options));

/** A server that started again has lost what lives in memory. A journal that is gone is never made anew in silence. */
export const restoreMemoryStreams = (manager: JetStreamManager, options: StreamOptions): Promise<void> =>
	addMissing(
		manager,
		configs(options).filter(({ storage }) => storage === StorageType.Memory),
	);

const addMissing = async (manager: JetStreamManager, wanted: Partial<StreamConfig>[]): Promise<void> => {
	const known = new Set<string>();
	for await (const name of manager.streams.names()) known.add(name);
	for (const config of wanted) {
		if (!known.has(config.name ?? "")) await manager.streams.add(config);
	}
};
