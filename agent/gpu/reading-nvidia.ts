/** Two short calls of nvidia-smi, cheaper than its one long report; the report only where devices are split. */

import type { Gpu } from "#shared/domain.ts";
import { parseSlices } from "../fingerprint/gpu-nvidia.ts";
import { healthColumns, nvidiaFault, remappedFaults, uncorrectedErrors } from "../fingerprint/nvidia-health.ts";
import { askNvidia, mebibytes, type NvidiaAnswer, runNvidia } from "../fingerprint/nvidia-smi.ts";
import type { DeviceReading, ProcessReading, Reading } from "./reading.ts";
import { readSlices } from "./reading-slices.ts";

const deviceColumns = ["uuid", "utilization.gpu", "pci.bus_id", ...healthColumns] as const;
const processColumns = ["gpu_uuid", "pid", "used_memory"] as const;

export const readNvidia = async (gpus: readonly Gpu[], thorough: boolean): Promise<Reading> => {
	const devices = await askNvidia("gpu", deviceColumns);
	if (!devices) throw new Error("nvidia-smi is not there any more");
	const processes = await askNvidia("compute-apps", processColumns);
	const parents = new Set(gpus.flatMap(({ parent }) => (parent === "" ? [] : [parent])));
	const reading: Reading = {
		devices: devicesOf(devices.rows),
		processes: processesOf(processes?.rows ?? []).filter(({ deviceId }) => !parents.has(deviceId)),
		vendors: ["NVIDIA"],
		complaints: devices.complaints,
	};
	for (const [id, fault] of thorough ? await remappedFaults() : []) {
		const device = reading.devices.get(id);
		if (device) device.fault ||= fault;
	}
	if (parents.size > 0) {
		const [report, listed] = [await runNvidia(["-q", "-x"]), await runNvidia(["-L"])];
		addSlices(reading, readSlices(report ?? "", parseSlices(listed ?? "")));
	}
	return reading;
};

type Rows<Column extends string> = NvidiaAnswer<Column>["rows"];

export const devicesOf = (rows: Rows<(typeof deviceColumns)[number]>): Map<string, DeviceReading> =>
	new Map(
		rows.map((row): [string, DeviceReading] => [
			row.uuid,
			{
				usedBytes: mebibytes(row["memory.used"]),
				busy: /^\d+$/.test(row["utilization.gpu"]) ? Number(row["utilization.gpu"]) / 100 : null,
				fault: nvidiaFault(row),
				uncorrected: uncorrectedErrors(row),
				bus: busOf(row["pci.bus_id"]),
			},
		]),
	);

/** As the kernel writes it: nvidia-smi has four more zeros, and the function. */
const busOf = (bus: string): string =>
	/([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})\.\d$/i.exec(bus)?.[1]?.toLowerCase() ?? "";

export const processesOf = (rows: Rows<(typeof processColumns)[number]>): ProcessReading[] =>
	rows.flatMap(({ gpu_uuid: deviceId, pid, used_memory: used }) =>
		/^\d+$/.test(pid) ? [{ pid: Number(pid), deviceId, bytes: mebibytes(used) }] : [],
	);

/** What is wrong with a device is wrong with its slices. */
const addSlices = (reading: Reading, slices: ReturnType<typeof readSlices>): void => {
	for (const { id, parent, usedBytes } of slices.devices) {
		const of = reading.devices.get(parent);
		if (of) reading.devices.set(id, { ...of, usedBytes, busy: null });
	}
	reading.processes.push(...slices.processes);
};
