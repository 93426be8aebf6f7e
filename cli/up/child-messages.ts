/**
 * What a process that `up` started says over its IPC channel: `{ready: true, …}` once, or before it ends
 * `{error: {code, message, hint}}`, an error for people that `up` passes on as its own; `{left: true}` when it ends
 * because it has left the mesh for good.
 */

import type { ChildProcess } from "node:child_process";
import { z } from "zod";
import { isErrorCode, RunmeshError } from "#shared/errors.ts";

const errorSchema = z.object({
	error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullish() }),
});

const leftSchema = z.object({ left: z.literal(true) });

export const saysItLeft = (message: unknown): boolean => leftSchema.safeParse(message).success;

/** Resolves with the ready message; rejects with the error message, or when aborted. */
export const readChildMessage = <T>(child: ChildProcess, ready: z.ZodType<T>, signal: AbortSignal): Promise<T> =>
	new Promise((resolve, reject) => {
		const onMessage = (message: unknown): void => {
			const said = ready.safeParse(message);
			const failed = errorSchema.safeParse(message);
			if (said.success) settle(() => resolve(said.data));
			else if (failed.success) settle(() => reject(toError(failed.data.error)));
		};
		const onAbort = (): void => settle(() => reject(new Error("not ready")));
		const settle = (how: () => void): void => {
			child.off("message", onMessage);
			signal.removeEventListener("abort", onAbort);
			how();
		};
		child.on("message", onMessage);
		signal.addEventListener("abort", onAbort);
		if (signal.aborted) onAbort();
	});

const toError = ({ code, message, hint }: z.infer<typeof errorSchema>["error"]): RunmeshError =>
	new RunmeshError(isErrorCode(code) ? code : "RM_INTERNAL", message, hint ? { hint } : {});
