/** Who a supervisor is, and signals to it. */

import { bootId, identifyProcess, type ProcessIdentity, startOfStat } from "#shared/process.ts";

const onLinux = process.platform === "linux";

/** From what a supervisor says of itself when it begins: the boot and its line of /proc, or "-" and its pid. */
export const parseIdentity = (said: string): ProcessIdentity | null => {
	const [, boot = "", stat = ""] = /^(\S+) (.+)$/.exec(said) ?? [];
	const pid = Number.parseInt(stat, 10);
	if (!(pid > 1)) return null;
	if (!onLinux) return identifyProcess(pid) ?? { pid, start: "gone" };
	const start = startOfStat(stat, boot);
	return start === null ? null : { pid, start };
};

/** Whether it started before the machine's last restart. */
export const isOfEarlierBoot = ({ start }: ProcessIdentity): boolean => onLinux && !start.startsWith(`${bootId()} `);

/** To every process of the group. False when there is none left. */
export const signalGroup = (group: number, signal: NodeJS.Signals): boolean => signalProcess(-group, signal);

export const signalProcess = (pid: number, signal: NodeJS.Signals): boolean => {
	try {
		process.kill(pid, signal);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ESRCH" || code === "EPERM") return false;
		throw error;
	}
};
