/** Attempts that may take so much disk and no more: their folders are measured from time to time. */

import type { AttemptId } from "#shared/ids.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import { measureFolders } from "./measure.ts";

export interface DiskAttempt {
	attemptId: AttemptId;
	folder: string;
	/** 0 without one. */
	limitBytes: number;
}

export interface AttemptSizes {
	/** Of all that have a limit, as they were last measured. */
	totalBytes(): number;
	close(): void;
}

const LOOK_MS = 5_000;
const SELDOM_MS = 300_000;
/** Measuring takes no more than this part of the time. */
const PART = 20;

export const watchAttemptSizes = (
	attempts: () => readonly DiskAttempt[],
	onExceeded: (attemptId: AttemptId, reason: string) => void,
): AttemptSizes => {
	let totalBytes = 0;
	let timer: NodeJS.Timeout | null = null;
	let closed = false;

	const look = async (): Promise<void> => {
		const beganMs = performance.now();
		const limited = attempts().filter(({ limitBytes }) => limitBytes > 0);
		const sizes = await measureFolders(limited.map(({ folder }) => folder));
		totalBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
		if (closed) return;
		for (const { attemptId, folder, limitBytes } of limited) {
			const bytes = sizes.get(folder) ?? 0;
			if (bytes <= limitBytes) continue;
			onExceeded(attemptId, `its folder takes ${formatBytes(bytes)} of disk, ${formatBytes(limitBytes)} are allowed`);
		}
		const waitMs = Math.min(SELDOM_MS, Math.max(LOOK_MS, PART * (performance.now() - beganMs)));
		timer = setTimeout(look, waitMs);
		timer.unref();
	};
	timer = setTimeout(look, LOOK_MS);
	timer.unref();

	return {
		totalBytes: () => totalBytes,
		close: () => {
			closed = true;
			if (timer) clearTimeout(timer);
		},
	};
};
