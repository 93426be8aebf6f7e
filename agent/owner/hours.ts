/**
 * The owner's times, such as "Mon-Fri 19:00-08:00, Sat-Sun": by the clock on the wall. Where that is set for summer
 * time, an hour that it leaves out is not there, and one that it shows twice counts both times.
 */

import { RunmeshError } from "#shared/errors.ts";

export interface Hours {
	/** As it was written. */
	readonly text: string;
	readonly ranges: readonly Range[];
}

interface Range {
	/** 0 is Sunday: the day on which it begins. */
	readonly days: ReadonlySet<number>;
	/** Minutes since midnight; `to` is at most 24:00, and one that is not after `from` is on the next day. */
	readonly from: number;
	readonly to: number;
}

const DAY = 24 * 60;

export const isWithin = ({ ranges }: Hours, at: Date): boolean => {
	const day = at.getDay();
	const minute = at.getHours() * 60 + at.getMinutes();
	const dayBefore = (day + 6) % 7;
	return ranges.some(({ days, from, to }) =>
		from < to
			? days.has(day) && minute >= from && minute < to
			: (days.has(day) && minute >= from) || (days.has(dayBefore) && minute < to),
	);
};

/** Throws RM_BAD_INPUT, with the place in the text. */
export const parseHours = (text: string): Hours => {
	const ranges: Range[] = [];
	let at = 0;
	for (const entry of text.split(",")) {
		ranges.push(...parseEntry(text, entry, at));
		at += entry.length + 1;
	}
	return { text: text.trim().replace(/\s+/g, " "), ranges };
};

interface Word {
	text: string;
	/** From 0, in the whole text. */
	at: number;
}

const ALL_DAYS: readonly number[] = [0, 1, 2, 3, 4, 5, 6];

/** Days, then times; without days every day, without times the whole of them. */
const parseEntry = (text: string, entry: string, at: number): Range[] => {
	const words = [...entry.matchAll(/\S+/g)].map((match): Word => ({ text: match[0], at: at + match.index }));
	if (words.length === 0) throw wrong(text, { text: "", at }, "is missing: days, times or both");
	const firstTime = words.findIndex((word) => /^\d/.test(word.text));
	const dayWords = firstTime === -1 ? words : words.slice(0, firstTime);
	const timeWords = firstTime === -1 ? [] : words.slice(firstTime);
	const days = new Set(dayWords.length === 0 ? ALL_DAYS : dayWords.flatMap((word) => parseDays(text, word)));
	const times = timeWords.length === 0 ? [{ from: 0, to: DAY }] : timeWords.map((word) => parseTimes(text, word));
	return times.map((range) => ({ days, ...range }));
};

const dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** "Mon", "Mon-Fri", "Sat-Mon". */
const parseDays = (text: string, word: Word): number[] => {
	const names = word.text.split("-");
	const [first = "", last = first] = names;
	if (names.length > 2) throw wrong(text, word, "is no range of days");
	const from = parseDay(text, { text: first, at: word.at });
	const to = parseDay(text, { text: last, at: names.length === 1 ? word.at : word.at + first.length + 1 });
	const count = ((to - from + 7) % 7) + 1;
	return Array.from({ length: count }, (_, index) => (from + index) % 7);
};

const parseDay = (text: string, word: Word): number => {
	const name = word.text.toLowerCase();
	const day = name.length < 3 ? -1 : dayNames.findIndex((full) => full.startsWith(name));
	if (day === -1) throw wrong(text, word, "is no day of the week");
	return day;
};

/** "19:00-08:00". */
const parseTimes = (text: string, word: Word): { from: number; to: number } => {
	const [first = "", last, ...more] = word.text.split("-");
	if (last === undefined || more.length > 0) throw wrong(text, word, "is no range of times");
	const from = parseTime(text, { text: first, at: word.at });
	const to = parseTime(text, { text: last, at: word.at + first.length + 1 });
	if (from === DAY) throw wrong(text, { text: first, at: word.at }, "ends a day, and begins none: write 00:00");
	if (from === to) throw wrong(text, word, "begins and ends at the same time; leave the times out for whole days");
	return { from, to: to === 0 ? DAY : to };
};

const parseTime = (text: string, word: Word): number => {
	const [, hours, minutes = "0"] = /^(\d{1,2})(?::(\d{2}))?$/.exec(word.text) ?? [];
	const total = Number(hours) * 60 + Number(minutes);
	if (hours === undefined || Number(minutes) > 59 || total > DAY) throw wrong(text, word, "is no time of day");
	return total;
};

const wrong = (text: string, { text: word, at }: Word, why: string): RunmeshError =>
	new RunmeshError("RM_BAD_INPUT", `--available "${text}", column ${at + 1}: "${word}" ${why}`, {
		hint: 'write it as "Mon-Fri 19:00-08:00, Sat-Sun"',
	});
