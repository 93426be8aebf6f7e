/** Whose the machine is: by its owner's hours, by what the system tells of input, and by what they keep for themselves. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveOptions } from "#agent/options.ts";
import { parseHours } from "#agent/owner/hours.ts";
import { parseHidIdle, parseSeats, parseSessions } from "#agent/owner/input.ts";
import { ownerReason } from "#agent/owner/reason.ts";
import type { OwnerTerms } from "#agent/owner/terms.ts";
import { watchOwner } from "#agent/owner/watch.ts";

const GiB = 1024 ** 3;
const terms = (...flags: string[]): OwnerTerms => resolveOptions(["--home", "/nowhere", ...flags]).owner;
/** A Monday. */
const at = (hours: number, minutes = 0): Date => new Date(2026, 2, 2, hours, minutes);

describe("the flags", () => {
	test("what is kept, what there is by name, when and what then", () => {
		const flags = ["--reserve", "cpu=2,memory=4Gi", "--reserve", "disk=50Gi", "--resource", "license.matlab=2"];
		expect(terms(...flags, "--yield-to-owner", "10m", "--on-close", "pause")).toEqual({
			reserve: { cpuMillis: 2000, memoryBytes: 4 * GiB, diskBytes: 50 * GiB },
			named: { "license.matlab": 2 },
			hours: null,
			yieldMs: 600_000,
			onClose: "pause",
		});
	});

	test.for([
		[["--reserve", "gpu=1"], /--reserve gpu=1: nothing is called gpu/],
		[["--reserve", "memory=4"], /--reserve memory=4 can't be read/],
		[["--resource", "license=0"], /--resource license=0 is no whole number above 0/],
		[["--resource", "license=1.5"], /--resource license=1.5 is no whole number above 0/],
		[["--available", "Mon 9:00"], /column 5: "9:00" is no range of times/],
		[["--on-close", "kill"], /--on-close "kill" is none of its values/],
	] as const)("%j is refused", ([flags, message]) => {
		expect(() => terms(...flags)).toThrow(message);
	});
});

describe("whose it is", () => {
	const hours = parseHours("19:00-08:00");

	test("outside the hours it is the owner's, and while they type", () => {
		expect(ownerReason({ hours, yieldMs: null }, at(9), null)).toBe(
			"its owner gives it only at these times: 19:00-08:00",
		);
		expect(ownerReason({ hours, yieldMs: 600_000 }, at(20), null)).toBe("");
		expect(ownerReason({ hours, yieldMs: 600_000 }, at(20), at(19, 51).getTime())).toBe(
			"its owner is active: it takes work 10m after the last input",
		);
		expect(ownerReason({ hours, yieldMs: 600_000 }, at(20), at(19, 50).getTime())).toBe("");
	});
});

describe("what the system tells of input", () => {
	test("sessions as loginctl lists them", () => {
		const list = "      2 1000 alice seat0 tty2  \n     c1  120 gdm   seat0       \n\n";
		expect(parseSessions(list)).toEqual(["2", "c1"]);
	});

	test("a graphical session of a person counts, idle or not; any other's terminal tells", () => {
		const session = (more: string): string => `Type=wayland\nActive=yes\nClass=user\n${more}`;
		const nowMs = 1_800_000_000_000;
		expect(parseSeats(session("IdleHint=no\nIdleSinceHint=0\n"), nowMs)).toEqual([nowMs]);
		const idle = session("IdleHint=yes\nIdleSinceHint=1799999000000000\n");
		expect(parseSeats(idle, nowMs)).toEqual([1_799_999_000_000]);
		const greeter = "Type=wayland\nActive=yes\nClass=greeter\nIdleHint=no\n";
		const terminal = "Type=tty\nActive=yes\nClass=user\nIdleHint=no\n";
		expect(parseSeats(`${greeter}\n${terminal}\n${idle}`, nowMs)).toEqual([1_799_999_000_000]);
		expect(parseSeats("", nowMs)).toEqual([]);
	});

	test("macOS counts nanoseconds since the last key", () => {
		expect(parseHidIdle('    |   "HIDIdleTime" = 5000000000\n', 100_000)).toBe(95_000);
		expect(parseHidIdle("nothing", 100_000)).toBeNull();
	});
});

describe("watched over time", () => {
	beforeEach(() => {
		vi.useFakeTimers();
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	test("each change is told once, the first before it is ready", async () => {
		vi.setSystemTime(at(18, 59));
		const told: string[] = [];
		const flags = ["--available", "19:00-08:00", "--yield-to-owner", "10m"];
		let inputAtMs = 0;
		const lastInput = async (): Promise<number> => inputAtMs;
		const watch = watchOwner({ terms: terms(...flags), onChange: (reason) => told.push(reason), lastInput });
		await watch.ready;
		expect(told).toEqual(["its owner gives it only at these times: 19:00-08:00"]);
		await vi.advanceTimersByTimeAsync(120_000);
		expect(told.slice(1)).toEqual([""]);
		inputAtMs = Date.now();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(told.slice(2)).toEqual(["its owner is active: it takes work 10m after the last input"]);
		await vi.advanceTimersByTimeAsync(600_000);
		expect(told.slice(3)).toEqual([""]);
		watch.close();
		await vi.advanceTimersByTimeAsync(24 * 3_600_000);
		expect(told).toHaveLength(4);
	});

	test("one who asks for nothing is not watched", async () => {
		const watch = watchOwner({ terms: terms(), onChange: () => expect.unreachable() });
		await watch.ready;
		expect(vi.getTimerCount()).toBe(0);
	});

	test("what can't be told is no end of the agent, and is asked again", async () => {
		const told: string[] = [];
		const lastInput = vi.fn(() => Promise.reject(new Error("EIO")));
		const flags = terms("--yield-to-owner", "10m");
		const watch = watchOwner({ terms: flags, onChange: (reason) => told.push(reason), lastInput });
		await watch.ready;
		await vi.advanceTimersByTimeAsync(10_000);
		expect(lastInput).toHaveBeenCalledTimes(2);
		expect(told).toEqual([]);
		watch.close();
	});
});
