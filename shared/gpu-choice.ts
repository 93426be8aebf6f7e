/**
 * Which GPUs a request is given. One rule for the coordinator, which places, and the agent, which gives: so they mean
 * the same devices without a word about them.
 */

import type { GpuRequest } from "./domain.ts";
import { formatBytes } from "./pipeline/units.ts";

export interface DeviceRoom {
	id: string;
	model: string;
	/** Of a slice: the device that it is a part of; "" for a whole one. */
	parent: string;
	/** A fault, or who else uses it: then nobody gets it whole. "" when there is nothing of the kind. */
	reason: string;
	/** Of its memory, what neither attempts hold nor others use; 0 with a fault. */
	freeBytes: number;
	/** Attempts that hold it or a share of it. */
	claims: number;
}

/**
 * The tightest fit: what is in use already and still has room, then the device with the least memory, so that whole and
 * large ones stay for those who need them. null when too few fit.
 */
export const chooseGpus = <Device extends DeviceRoom>(
	devices: readonly Device[],
	request: GpuRequest,
): Device[] | null => {
	if (request.count === 0) return [];
	const fitting = suited(devices, request).filter((device) => fits(device, request));
	return fitting.length < request.count ? null : fitting.sort(tightestFirst).slice(0, request.count);
};

/** Slices can't work together: a request for several is given whole devices. */
const suited = <Device extends DeviceRoom>(devices: readonly Device[], { model, count }: GpuRequest): Device[] => {
	const wanted = model.toLowerCase();
	return devices.filter((device) => device.model.toLowerCase().includes(wanted) && (count === 1 || !device.parent));
};

const fits = ({ claims, reason, freeBytes }: DeviceRoom, { memoryBytes }: GpuRequest): boolean =>
	memoryBytes === 0 ? claims === 0 && reason === "" : freeBytes >= memoryBytes;

const isWhole = ({ claims, reason }: DeviceRoom): boolean => claims === 0 && reason === "";

const tightestFirst = (a: DeviceRoom, b: DeviceRoom): number =>
	Number(isWhole(a)) - Number(isWhole(b)) || a.freeBytes - b.freeBytes || (a.id < b.id ? -1 : 1);

const REASONS_TOLD = 4;

/** Why they do not suffice, and which of them for a reason of their own. */
export const gpuShortage = (devices: readonly DeviceRoom[], request: GpuRequest): string => {
	const { count, memoryBytes, model } = request;
	const candidates = suited(devices, request);
	const wanted = `gpu: ${count} × ${model || "GPU"}`;
	if (candidates.length < count) {
		const slices = suited(devices, { ...request, count: 1 }).length - candidates.length;
		const apart = slices > 0 ? ` beside ${slices} slices, which can't work together` : "";
		return `${wanted} wanted, ${candidates.length} here${apart}`;
	}
	const size = memoryBytes === 0 ? "whole" : `with ${formatBytes(memoryBytes)} free`;
	const lacking = candidates.filter((device) => !fits(device, request));
	const told = lacking.filter(({ reason }) => reason !== "").map(({ id, reason }) => `${id}: ${reason}`);
	const rest = told.length - REASONS_TOLD;
	const reasons = [...told.slice(0, REASONS_TOLD), ...(rest > 0 ? [`and ${rest} more`] : [])].join("; ");
	const free = `${candidates.length - lacking.length} of ${candidates.length} free`;
	return `${wanted} ${size} wanted, ${free}${reasons && ` (${reasons})`}`;
};
