/** What processes listen on, as Linux tells: the inodes of their open sockets, looked up in /proc/net/tcp and tcp6. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Listening {
	pid: number;
	/** As the kernel writes it: hex, each group of four bytes in this machine's order. */
	address: string;
	port: number;
}

const LISTEN = "0A";

const listeningByInode = (): Map<string, Omit<Listening, "pid">> => {
	const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => {
		const [, ...lines] = readFileSync(table, "latin1").trim().split("\n");
		return lines.map((line) => line.trim().split(/\s+/));
	});
	return new Map(
		rows
			.filter(([, , , state]) => state === LISTEN)
			.map(([, local = "", , , , , , , , inode = ""]) => {
				const [address = "", port = ""] = local.split(":");
				return [inode, { address, port: Number.parseInt(port, 16) }];
			}),
	);
};

const socketInodes = (pid: number): string[] =>
	readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
		const [, inode] = /^socket:\[(\d+)\]$/.exec(targetOf(`/proc/${pid}/fd/${descriptor}`)) ?? [];
		return inode === undefined ? [] : [inode];
	});

/** "" when it was closed meanwhile. */
const targetOf = (link: string): string => {
	try {
		return readlinkSync(link);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw error;
	}
};

export const listening = (pids: number[]): Listening[] => {
	const sockets = listeningByInode();
	return pids.flatMap((pid) =>
		[...new Set(socketInodes(pid))].flatMap((inode) => {
			const socket = sockets.get(inode);
			return socket ? [{ pid, ...socket }] : [];
		}),
	);
};

const LOOPBACK_V6 = "00000000000000000000000001000000";
const MAPPED_LOOPBACK = /^0000000000000000FFFF0000[0-9A-F]{6}7F$/;

/** 127.0.0.0/8, ::1, or the former within IPv6; on a little-endian machine. */
export const isLoopback = ({ address }: Listening): boolean =>
	/^[0-9A-F]{6}7F$/.test(address) || address === LOOPBACK_V6 || MAPPED_LOOPBACK.test(address);
