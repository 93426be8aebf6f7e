/** Turns an error answer of the API (application/problem+json) back into the error it was. */

import type { ProblemView } from "#shared/api.ts";
import { type ErrorCode, errorTable, isErrorCode, RunmeshError } from "#shared/errors.ts";

const codeByStatus = (status: number): ErrorCode => {
	if (status === 502 || status === 504) return "RM_UNAVAILABLE";
	const known = Object.entries(errorTable).find(([, entry]) => entry.http === status);
	return known ? (known[0] as ErrorCode) : "RM_INTERNAL";
};

const parse = (text: string): Partial<ProblemView> => {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null ? value : {};
	} catch {
		return {};
	}
};

const tokenHint = "set RUNMESH_TOKEN or --token, or --home to the home of the mesh on this machine";

/** `status` decides where the body says nothing, as a proxy's answer does. */
export const problemToError = (status: number, text: string, url: string): RunmeshError => {
	const problem = parse(text);
	const known = typeof problem.code === "string" && isErrorCode(problem.code);
	const code = known ? (problem.code as ErrorCode) : codeByStatus(status);
	const message = problem.detail || problem.title || `${url} answered with HTTP status ${status}`;
	const hint = problem.hint ?? (code === "RM_UNAUTHENTICATED" ? tokenHint : undefined);
	return new RunmeshError(code, message, {
		...(hint === undefined ? {} : { hint }),
		...(Array.isArray(problem.problems) ? { details: problem.problems } : {}),
	});
};
