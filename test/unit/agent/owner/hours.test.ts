/** The owner's times: days, ranges over midnight, the jumps of summer time, and what can't be read. */

import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { isWithin, parseHours } from "#agent/owner/hours.ts";

const names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/** 2026-03-01 is a Sunday. */
const at = (day: number, hours: number, minutes = 0): Date => new Date(2026, 2, 1 + day, hours, minutes);
const open = (text: string, ...when: [day: number, hours: number, minutes?: number]): boolean =>
	isWithin(parseHours(text), at(...when));

test.for<[text: string, day: number, hours: number, minutes: number, open: boolean]>([
	["Mon-Fri 19:00-08:00, Sat-Sun", 1, 18, 59, false],
	["Mon-Fri 19:00-08:00, Sat-Sun", 1, 19, 0, true],
	["Mon-Fri 19:00-08:00, Sat-Sun", 2, 7, 59, true],
	["Mon-Fri 19:00-08:00, Sat-Sun", 2, 8, 0, false],
	// Sunday is open to its end, and Monday morning is no weekday's night.
	["Mon-Fri 19:00-08:00, Sat-Sun", 7, 23, 59, true],
	["Mon-Fri 19:00-08:00, Sat-Sun", 8, 0, 0, false],
	["Fri 22:00-02:00", 6, 1, 59, true],
	["Fri 22:00-02:00", 5, 1, 59, false],
	["9-17", 3, 9, 0, true],
	["9-17", 3, 17, 0, false],
	["sat-mon", 0, 12, 0, true],
	["sat-mon", 2, 0, 0, false],
	["Monday Wednesday 8:30-12:00 13:00-24:00", 3, 12, 30, false],
	["Monday Wednesday 8:30-12:00 13:00-24:00", 3, 23, 59, true],
	["Mon 20:00-00:00", 1, 23, 59, true],
	["Mon 20:00-00:00", 2, 0, 0, false],
])("%s on day %i at %i:%i is %s", ([text, day, hours, minutes, expected]) => {
	expect(open(text, day, hours, minutes)).toBe(expected);
});

const minuteOfDay = fc.integer({ min: 0, max: 24 * 60 - 1 });
const clock = (minute: number): string =>
	`${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

test("a range and the rest of its days are each other's opposite, to the minute", () => {
	fc.assert(
		fc.property(minuteOfDay, minuteOfDay, fc.integer({ min: 0, max: 6 }), minuteOfDay, (from, to, day, now) => {
			fc.pre(from !== to);
			const [range, rest] = [`${clock(from)}-${clock(to)}`, `${clock(to)}-${clock(from)}`];
			const when: [number, number, number] = [day, Math.floor(now / 60), now % 60];
			expect(open(range, ...when)).toBe(!open(rest, ...when));
		}),
	);
});

test("a week of days from any day on leaves nothing out, and entries only add", () => {
	const range = fc.tuple(fc.constantFrom(...names), minuteOfDay, minuteOfDay);
	fc.assert(
		fc.property(
			fc.array(range, { minLength: 1, maxLength: 4 }),
			fc.integer({ min: 0, max: 6 }),
			minuteOfDay,
			(ranges, day, now) => {
				const when: [number, number, number] = [day, Math.floor(now / 60), now % 60];
				const texts = ranges
					.filter(([, from, to]) => from !== to)
					.map(([name, from, to]) => `${name} ${clock(from)}-${clock(to)}`);
				fc.pre(texts.length > 0);
				expect(open(texts.join(", "), ...when)).toBe(texts.some((text) => open(text, ...when)));
				expect(open(`${names[day]}-${names[(day + 6) % 7]}`, ...when)).toBe(true);
			},
		),
	);
});

describe("where the clock on the wall jumps", () => {
	const zone = process.env.TZ;
	afterEach(() => {
		process.env.TZ = zone;
		if (zone === undefined) delete process.env.TZ;
	});

	test("an hour that it leaves out is not there, one that it shows twice counts twice", () => {
		process.env.TZ = "Europe/Berlin";
		const hours = parseHours("01:00-02:30");
		const openAt = (utc: string): boolean => isWithin(hours, new Date(utc));
		// 2026-03-29: 02:00 becomes 03:00.
		expect(openAt("2026-03-29T00:59:00Z")).toBe(true);
		expect(openAt("2026-03-29T01:00:00Z")).toBe(false);
		// 2026-10-25: 03:00 becomes 02:00.
		expect(
			["00:29", "00:30", "00:59", "01:00", "01:29", "01:30"].map((time) => openAt(`2026-10-25T${time}:00Z`)),
		).toEqual([...[true, false, false], ...[true, true, false]]);
	});
});

test.for([
	["", 'column 1: "" is missing: days, times or both'],
	["Mon-Fri,", 'column 9: "" is missing: days, times or both'],
	["Mon-Fri 25:00-08:00", 'column 9: "25:00" is no time of day'],
	["Mon-Fri 19:00-8:60", 'column 15: "8:60" is no time of day'],
	["Mon-Fri 19:00", 'column 9: "19:00" is no range of times'],
	["Mon-Fri 8:00-8:00", 'column 9: "8:00-8:00" begins and ends at the same time; leave the times out for whole days'],
	["24:00-08:00", 'column 1: "24:00" ends a day, and begins none: write 00:00'],
	["Sat, Mo-Fri", 'column 6: "Mo" is no day of the week'],
	["Mon-Fry", 'column 5: "Fry" is no day of the week'],
	["Mon-Tue-Wed", 'column 1: "Mon-Tue-Wed" is no range of days'],
	["Mon 8-9 Tue", 'column 9: "Tue" is no range of times'],
])('"%s" names the place that can\'t be read', ([text = "", message = ""]) => {
	expect(() => parseHours(text)).toThrow(`--available "${text}", ${message}`);
});
