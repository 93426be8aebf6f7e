/** zod at the edge: a route names its schemas, the handler gets typed, bounded values or is not called. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type {
	FastifyBaseLogger,
	FastifyInstance,
	FastifySchemaCompiler,
	FastifyTypeProvider,
	RawServerDefault,
} from "fastify";
import { ZodType, z } from "zod";
import { RunmeshError } from "#shared/errors.ts";
import { isDigest, isName } from "#shared/ids.ts";

declare module "fastify" {
	interface FastifyContextConfig {
		/** For the OpenAPI document. */
		summary?: string;
		/** Answers without a token. */
		open?: boolean;
	}
}

export interface ZodTypes extends FastifyTypeProvider {
	validator: this["schema"] extends ZodType ? z.output<this["schema"]> : unknown;
}

/** Routes are added to this. */
export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypes>;

const places: Record<string, string> = { body: "body", querystring: "query", params: "path" };

export const validatorCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
	if (!(schema instanceof ZodType)) throw new Error("a route's schema is not zod's");
	return (data: unknown) => {
		const result = schema.safeParse(data);
		return result.success
			? { value: result.data }
			: { error: badInput(result.error, places[httpPart ?? ""] ?? "request") };
	};
};

const PROBLEMS_NAMED = 5;

const badInput = ({ issues }: z.ZodError, place: string): RunmeshError => {
	const named = issues
		.slice(0, PROBLEMS_NAMED)
		.map(({ path, message }) => `${[place, ...path.map(String)].join(".").slice(0, 200)}: ${message}`);
	const more = issues.length > PROBLEMS_NAMED ? `; and ${issues.length - PROBLEMS_NAMED} more` : "";
	return new RunmeshError("RM_BAD_INPUT", named.join("; ") + more);
};

export const digestSchema = z.string().refine(isDigest, { error: "expected sha256: and 64 hex digits" });

export const nameSchema = z.string().refine(isName, { error: "expected a name: letters, digits, - and _, at most 63" });

/** What a person says to it. */
export const wordsSchema = z.string().max(1_000);

/** A run's id, the start of one, or "latest". */
export const runRefSchema = z.string().regex(/^[A-Za-z0-9]{1,32}$/, { error: "expected a run's id" });

const STEP_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,62}";
/** Within a sub-pipeline behind its name and a dot. */
const DOTTED = `${STEP_NAME}(\\.${STEP_NAME}){0,16}`;

export const stepNameSchema = z.string().regex(new RegExp(`^${DOTTED}$`), { error: "expected a step's name" });

/** A step's name, or the key of a matrix's cell; or what else the pattern takes. */
export const stepKeySchema = (other = "") =>
	z.string().regex(new RegExp(`^(${other}${DOTTED})$`), { error: `expected a step key${other && " or *"}` });

export const runParams = z.strictObject({ run: runRefSchema });

export const flagSchema = z.enum(["true", "false", "1", "0"]).transform((word) => word === "true" || word === "1");

export const countSchema = (min: number, max: number) =>
	z
		.string()
		.regex(/^\d{1,15}$/, { error: `expected a whole number from ${min} to ${max}` })
		.transform(Number)
		.pipe(z.number().min(min).max(max));
