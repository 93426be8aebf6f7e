/**
 * Devices that are not fit for work. One that was found faulty is given to nobody until it was well for a while, for
 * errors come back.
 */

import type { Gpu } from "#shared/domain.ts";
import { tellsOfLoss } from "../fingerprint/nvidia-health.ts";
import type { Reading } from "./reading.ts";

export interface Faults {
	/** `events` are what the kernel said of devices since the last look, by their bus. True when something changed. */
	observe(gpus: readonly Gpu[], reading: Reading, events: ReadonlyMap<string, string>): boolean;
	/** The look failed. True when something changed. */
	observeFailure(gpus: readonly Gpu[], why: string): boolean;
	/** "" when nothing is wrong. */
	of(id: string): string;
}

const HEALTHY_LOOKS = 10;
const FAILED_LOOKS = 2;

export const createFaults = (): Faults => {
	const faults = new Map<string, { why: string; healthyLooks: number }>();
	const errors = new Map<string, number>();
	let failedLooks = 0;

	const note = (id: string, why: string): boolean => {
		const known = faults.get(id);
		if (why !== "") {
			faults.set(id, { why, healthyLooks: 0 });
			return known?.why !== why;
		}
		if (!known) return false;
		known.healthyLooks++;
		return known.healthyLooks >= HEALTHY_LOOKS && faults.delete(id);
	};

	/** Errors since the last look; the first look has nothing to compare with. */
	const newErrors = (id: string, count: number): string => {
		const before = errors.get(id) ?? count;
		errors.set(id, count);
		return count > before ? `uncorrectable memory errors: ${count - before} more than a moment ago` : "";
	};

	return {
		of: (id) => faults.get(id)?.why ?? "",
		observe: (gpus, reading, events) => {
			failedLooks = 0;
			const changes = gpus
				.filter(({ vendor }) => reading.vendors.includes(vendor))
				.map(({ id }) => {
					const device = reading.devices.get(id);
					const why = device
						? device.fault || newErrors(id, device.uncorrected) || (events.get(device.bus) ?? "")
						: `the device is gone${reading.complaints.length > 0 ? `: ${reading.complaints[0]}` : ""}`;
					return note(id, why);
				});
			return changes.includes(true);
		},
		observeFailure: (gpus, why) => {
			failedLooks++;
			// What the driver itself says of a device that is lost needs no second look.
			if (failedLooks < FAILED_LOOKS && !tellsOfLoss(why)) return false;
			// Nobody else's tool is asked.
			const asked = gpus.filter(({ vendor }) => vendor === "NVIDIA");
			return asked.map(({ id }) => note(id, why)).includes(true);
		},
	};
};
