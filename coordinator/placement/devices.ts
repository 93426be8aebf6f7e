/** The GPUs of an agent as placement sees them: whole devices and shares of one, less what others use of them. */

import type { Gpu, GpuRequest, Usable } from "#shared/domain.ts";
import { chooseGpus, type DeviceRoom } from "#shared/gpu-choice.ts";

export interface DeviceLedger extends DeviceRoom {
	memoryBytes: number;
	/** Why nobody is given it; "" when it works. */
	fault: string;
	/** What others on the machine leave of its memory. */
	usableBytes: number;
	claimedBytes: number;
}

export interface DeviceClaim {
	id: string;
	bytes: number;
}

/** What is claimed stays claimed. */
export const devicesOf = (
	gpus: readonly Gpu[],
	usable: Usable | null,
	before: readonly DeviceLedger[],
): DeviceLedger[] => {
	const known = new Map(before.map((device) => [device.id, device]));
	const devices = gpus.map(({ id, model, memoryBytes, parent, fault }): DeviceLedger => {
		const { claimedBytes, claims } = known.get(id) ?? { claimedBytes: 0, claims: 0 };
		const found = { id, model, memoryBytes, parent, fault, claimedBytes, claims };
		return { ...found, usableBytes: memoryBytes, reason: "", freeBytes: 0 };
	});
	limitDevices(devices, usable);
	return devices;
};

/** To what others leave; null when that is not told. */
export const limitDevices = (devices: readonly DeviceLedger[], usable: Usable | null): void => {
	const held = new Map(usable?.devices.map((device) => [device.id, device]));
	for (const device of devices) {
		const left = held.get(device.id);
		device.reason = device.fault || (left?.reason ?? "");
		device.usableBytes =
			device.fault === "" ? Math.min(device.memoryBytes, left?.memoryBytes ?? device.memoryBytes) : 0;
		recount(device);
	}
};

const recount = (device: DeviceLedger): void => {
	device.freeBytes = Math.max(0, device.usableBytes - device.claimedBytes);
};

/** Devices that a request would get; null when too few fit. */
export const chooseDevices = (devices: readonly DeviceLedger[], gpu: GpuRequest | null): DeviceClaim[] | null => {
	if (!gpu) return [];
	const chosen = chooseGpus(devices, gpu);
	return chosen?.map(({ id, memoryBytes }) => ({ id, bytes: gpu.memoryBytes || memoryBytes })) ?? null;
};

export const claimDevices = (devices: readonly DeviceLedger[], claim: readonly DeviceClaim[], sign: 1 | -1): void => {
	for (const { id, bytes } of claim) {
		const device = devices.find((candidate) => candidate.id === id);
		if (!device) continue;
		device.claimedBytes += sign * bytes;
		device.claims += sign;
		recount(device);
	}
};

/** As they are with nothing placed on them. */
export const emptiedDevices = (devices: readonly DeviceLedger[], usable: Usable | null): DeviceLedger[] => {
	const empty = devices.map((device) => ({ ...device, claimedBytes: 0, claims: 0 }));
	limitDevices(empty, usable);
	return empty;
};
