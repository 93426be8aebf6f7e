/**
 * When somebody last typed at this machine, as far as the system tells: at a terminal, by the time of its last input,
 * as `w` does; in a graphical session, by what its desktop tells logind; on macOS, by the input devices themselves.
 */

import { readdirSync, statSync } from "node:fs";
import { askTool } from "../fingerprint/tool.ts";

/** null where nobody is known to have typed. */
export const lastInputAtMs = async (nowMs: number): Promise<number | null> => {
	const found =
		process.platform === "darwin" ? [await lastOnMac(nowMs)] : [lastAtTerminals(), await lastAtSeats(nowMs)];
	return newest(found.filter((atMs) => atMs !== null));
};

const newest = (times: readonly number[]): number | null => (times.length === 0 ? null : Math.max(...times));

const lastAtTerminals = (): number | null => {
	const terminals = [
		...names("/dev/pts", /^\d+$/).map((name) => `/dev/pts/${name}`),
		...names("/dev", /^tty\d+$/).map((name) => `/dev/${name}`),
	];
	return newest(
		terminals.flatMap((path) => {
			const stat = statSync(path, { throwIfNoEntry: false });
			return stat?.isCharacterDevice() ? [stat.atimeMs] : [];
		}),
	);
};

const names = (folder: string, pattern: RegExp): string[] => {
	try {
		return readdirSync(folder).filter((name) => pattern.test(name));
	} catch {
		return [];
	}
};

/** Graphical sessions of people: what logind knows of others, their terminals tell. */
const lastAtSeats = async (nowMs: number): Promise<number | null> => {
	const list = await ask("loginctl", ["list-sessions", "--no-legend"]);
	const sessions = parseSessions(list);
	if (sessions.length === 0) return null;
	const properties = ["Type", "Class", "Active", "IdleHint", "IdleSinceHint"].flatMap((name) => ["-p", name]);
	return newest(parseSeats(await ask("loginctl", ["show-session", ...properties, ...sessions]), nowMs));
};

const ask = async (program: string, args: string[]): Promise<string> => {
	try {
		return (await askTool(program, args)) ?? "";
	} catch {
		// There, but nobody to answer: no systemd runs here.
		return "";
	}
};

/** One line for each session, its id first. */
export const parseSessions = (text: string): string[] =>
	text.split("\n").flatMap((line) => /^\s*([A-Za-z0-9]+)\s/.exec(line)?.[1] ?? []);

/** Paragraphs of name=value, one for each session. One that is not idle is in use this very moment. */
export const parseSeats = (text: string, nowMs: number): number[] =>
	text.split(/\n\s*\n/).flatMap((paragraph) => {
		const of = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(paragraph)?.[1]?.trim() ?? "";
		if (!["x11", "wayland", "mir"].includes(of("Type")) || of("Class") !== "user" || of("Active") !== "yes") return [];
		if (of("IdleHint") === "no") return [nowMs];
		const idleSinceMs = Number(of("IdleSinceHint")) / 1000;
		return idleSinceMs > 0 ? [idleSinceMs] : [];
	});

const lastOnMac = async (nowMs: number): Promise<number | null> =>
	parseHidIdle(await ask("ioreg", ["-c", "IOHIDSystem", "-d", "4"]), nowMs);

/** Nanoseconds since the last key or move. */
export const parseHidIdle = (text: string, nowMs: number): number | null => {
	const [, nanoseconds] = /"HIDIdleTime" = (\d+)/.exec(text) ?? [];
	return nanoseconds === undefined ? null : nowMs - Number(nanoseconds) / 1e6;
};
