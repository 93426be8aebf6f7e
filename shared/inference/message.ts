/**
 * The frame of a V2 inference message, request or response alike: a JSON object, or with the binary tensor
 * extension the JSON first (its length in the Inference-Header-Content-Length header) and then the tensors' bytes.
 */

import { RunmeshError } from "../errors.ts";

export const headerLengthName = "inference-header-content-length";

export interface MessageParts {
	json: Record<string, unknown>;
	/** What follows the JSON; empty without the extension. */
	binary: Uint8Array;
}

const LENGTH = /^\d{1,10}$/;

/** `headerLength` is the header's value. Throws RM_BAD_INPUT for a body that is no such message. */
export const splitMessage = (body: Buffer, headerLength: string | undefined, maxJsonBytes: number): MessageParts => {
	let jsonLength = body.length;
	if (headerLength !== undefined) {
		jsonLength = LENGTH.test(headerLength) ? Number(headerLength) : Number.NaN;
		if (!(jsonLength <= body.length)) {
			throw new RunmeshError(
				"RM_BAD_INPUT",
				`Inference-Header-Content-Length is ${headerLength}, expected a number of bytes up to the body's ${body.length}`,
			);
		}
	}
	if (jsonLength > maxJsonBytes) {
		throw new RunmeshError("RM_TOO_LARGE", `${jsonLength} bytes of JSON, the limit is ${maxJsonBytes}`, {
			hint: "send large tensors as binary data",
		});
	}
	let json: unknown;
	try {
		json = JSON.parse(body.toString("utf8", 0, jsonLength));
	} catch (cause) {
		throw new RunmeshError("RM_BAD_INPUT", `the body's JSON can't be read: ${(cause as Error).message}`, { cause });
	}
	if (json === null || typeof json !== "object" || Array.isArray(json)) {
		throw new RunmeshError("RM_BAD_INPUT", "the body is no JSON object");
	}
	return { json: json as Record<string, unknown>, binary: body.subarray(jsonLength) };
};
