/** The machine that figures were taken on: without it they say nothing. */

import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { provisionNatsServer } from "#cli/up/nats-provision.ts";
import { resolveHome } from "#shared/home.ts";

export interface Machine {
	cpu: string;
	cores: number;
	memoryGb: number;
	kernel: string;
	node: string;
	natsServer: string;
	/** Of the last minute before the first measurement: what others did here. */
	loadBefore: number;
	date: string;
}

export const describeMachine = async (): Promise<Machine> => ({
	cpu: cpus()[0]?.model ?? "unknown",
	cores: availableParallelism(),
	memoryGb: Math.round(totalmem() / 1024 ** 3),
	kernel: `${type()} ${release().split("-")[0]}`,
	node: process.version,
	natsServer: (await provisionNatsServer({ cache: resolveHome().cache })).version,
	loadBefore: loadavg()[0] ?? 0,
	date: new Date().toISOString().slice(0, 10),
});

export const machineLine = (machine: Machine): string =>
	[
		`${machine.cores} × ${machine.cpu}`,
		`${machine.memoryGb} GB`,
		machine.kernel,
		`node ${machine.node}`,
		`nats-server ${machine.natsServer}`,
		`load ${machine.loadBefore.toFixed(2)}`,
		machine.date,
	].join(", ");
