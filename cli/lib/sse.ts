/** Server-sent events: the parser of one body. */

import { RunmeshError } from "#shared/errors.ts";
import { readLines } from "./lines.ts";

export interface ServerSentEvent {
	id: string;
	event: string;
	data: string;
}

const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** The events of one body. One that the end of the body cut short is dropped, as the standard asks. */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
	let id = "";
	let event = "";
	let data: string[] = [];
	let size = 0;
	for await (const line of readLines(chunks, { limit: MAX_EVENT_BYTES, partial: false })) {
		if (line === "") {
			if (data.length > 0) yield { id, event: event || "message", data: data.join("\n") };
			event = "";
			data = [];
			size = 0;
			continue;
		}
		const colon = line.indexOf(":");
		if (colon === 0) continue;
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
		if (field === "id") id = value;
		else if (field === "event") event = value;
		else if (field === "data") {
			size += value.length;
			if (size > MAX_EVENT_BYTES)
				throw new RunmeshError("RM_TOO_LARGE", `an event is larger than ${MAX_EVENT_BYTES} bytes`);
			data.push(value);
		}
	}
}
