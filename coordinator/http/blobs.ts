/** Blobs by digest: down, up, and which are missing. */

import { z } from "zod";
import { RunmeshError } from "#shared/errors.ts";
import type { HttpDeps } from "./deps.ts";
import { fetchHere } from "./fetch-here.ts";
import { missingBlobs } from "./missing-blobs.ts";
import { type Api, digestSchema } from "./validation.ts";

const BLOB_MAX_BYTES = 20 * 1024 ** 3;
const DIGESTS_MAX = 10_000;

const digestParams = z.strictObject({ digest: digestSchema });
const missingSchema = z.strictObject({ digests: z.array(digestSchema).max(DIGESTS_MAX) });

export const blobRoutes = (app: Api, deps: HttpDeps): void => {
	const { blobs } = deps;
	app.get(
		"/blobs/:digest",
		{ schema: { params: digestParams }, config: { summary: "A blob's bytes" } },
		async ({ params: { digest } }, reply) => {
			await fetchHere(deps, digest, await missingBlobs(blobs, [digest]), reply);
			const size = await blobs.sizeOf(digest);
			if (size === null) throw new RunmeshError("RM_UNAVAILABLE", `blob ${digest} could not be brought here`);
			return reply
				.type("application/octet-stream")
				.header("content-length", size)
				.header("content-disposition", "attachment")
				.send(blobs.read(digest));
		},
	);

	app.post(
		"/blobs/missing",
		{ schema: { body: missingSchema }, config: { summary: "Which of these blobs would have to be uploaded" } },
		async ({ body }) => ({ missing: await missingBlobs(blobs, body.digests) }),
	);
};

/** In a scope of its own: here a body is bytes, whatever its type, and goes by unread. */
export const blobUploadRoutes = (app: Api, { blobs }: HttpDeps): void => {
	app.removeAllContentTypeParsers();
	app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
	app.put(
		"/blobs/:digest",
		{ schema: { params: digestParams }, config: { summary: "Upload a blob: 201, or 204 when it is here already" } },
		async ({ params: { digest }, raw }, reply) => {
			if ((await blobs.sizeOf(digest)) !== null) return reply.code(204).send();
			if (Number(raw.headers["content-length"] ?? 0) > BLOB_MAX_BYTES) {
				throw new RunmeshError("RM_TOO_LARGE", `a blob may have ${BLOB_MAX_BYTES} bytes at most`);
			}
			try {
				await blobs.write(raw.iterator({ destroyOnReturn: false }), digest, BLOB_MAX_BYTES);
			} catch (error) {
				// What still comes is read and dropped: it would stand in the way of the connection's next request.
				raw.resume();
				throw blameSender(error);
			}
			return reply.code(201).send();
		},
	);
};

const blameSender = (error: unknown): unknown =>
	error instanceof RunmeshError && error.code === "RM_BLOB_CORRUPT"
		? new RunmeshError("RM_BAD_INPUT", `${error.message}; they were dropped`, { hint: "send them again" })
		: error;
