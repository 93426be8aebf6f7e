/** Collects what is wrong with a pipeline file, so that a person sees all of it at once, in the order of the file. */

import type { LineCounter } from "yaml";
import type { PipelineProblem } from "./definition.ts";

/** Where in the file something stands, and its dotted path in the pipeline. */
export interface Place {
	path: string;
	/** Offsets in the text. */
	start: number;
	end: number;
}

/** Where something stands that is missing from the file. */
export const fileStart: Place = { path: "", start: 0, end: 0 };

/** As much of a text as a message shows. */
export const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** More than anyone reads; keeps a hostile file from costing a suggestion for each of its lines. */
const MAX_PROBLEMS = 100;

export class Problems {
	readonly #file: string;
	readonly #text: string;
	readonly #lines: LineCounter;
	readonly #found: PipelineProblem[] = [];
	#dropped = 0;

	constructor(file: string, text: string, lines: LineCounter) {
		this.#file = file;
		this.#text = text;
		this.#lines = lines;
	}

	get count(): number {
		return this.#found.length + this.#dropped;
	}

	/** The hint is worked out only when the problem is kept. */
	add(place: Place, message: string, hint: string | (() => string) = ""): void {
		if (this.#found.length >= MAX_PROBLEMS) {
			this.#dropped++;
			return;
		}
		const { line, col } = this.#lines.linePos(place.start);
		this.#found.push({
			file: this.#file,
			line: Math.max(1, line),
			column: Math.max(1, col),
			path: place.path,
			message,
			hint: typeof hint === "string" ? hint : hint(),
		});
	}

	/** Where `mark` stands inside `place`, as the file writes it. */
	placesOf(mark: string, place: Place): Place[] {
		const places: Place[] = [];
		const text = this.#text.slice(place.start, place.end);
		for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
			places.push({ ...place, start: place.start + at });
		}
		return places;
	}

	list(): PipelineProblem[] {
		const sorted = this.#found.toSorted((a, b) => a.line - b.line || a.column - b.column);
		const last = sorted.at(-1);
		if (last === undefined || this.#dropped === 0) return sorted;
		return [...sorted, { ...last, path: "", message: `and ${this.#dropped} more problems`, hint: "" }];
	}
}
