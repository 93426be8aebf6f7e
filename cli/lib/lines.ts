/** Cuts a byte stream into lines, whatever its chunks, holding no more than one line at a time. */

import { RunmeshError } from "#shared/errors.ts";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Lines without their end; a last one without "\n" counts only if `partial`. A line over `limit` bytes throws. */
export async function* readLines(
	chunks: AsyncIterable<Uint8Array>,
	{ limit, partial }: { limit: number; partial: boolean },
): AsyncGenerator<string> {
	let held: Uint8Array[] = [];
	let heldBytes = 0;
	const hold = (piece: Uint8Array): void => {
		heldBytes += piece.length;
		if (heldBytes > limit) {
			throw new RunmeshError("RM_TOO_LARGE", `a line of the coordinator's answer is longer than ${limit} bytes`);
		}
		if (piece.length > 0) held.push(piece);
	};
	const take = (): string => {
		const line = held.length === 1 && held[0] ? Buffer.from(held[0]) : Buffer.concat(held);
		held = [];
		heldBytes = 0;
		return line.toString("utf8", 0, line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length);
	};
	for await (const chunk of chunks) {
		let start = 0;
		for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
			hold(chunk.subarray(start, end));
			yield take();
			start = end + 1;
		}
		hold(chunk.subarray(start));
	}
	if (partial && heldBytes > 0) yield take();
}
