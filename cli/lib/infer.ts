/** One inference from the command line: find the replicas, learn the model's inputs, ask, print. */

import { readFile } from "node:fs/promises";
import type { DeploymentView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { type InferAnswer, inferHttp } from "#shared/inference/client.ts";
import { tensorDataToJson } from "#shared/inference/json.ts";
import { didYouMean } from "#shared/pipeline/near.ts";
import type { CliContext } from "../context.ts";
import { formatNumber } from "../output/format.ts";
import { write } from "../output/print.ts";
import { escapeControls, truncate } from "../output/text.ts";
import type { ApiClient } from "./client.ts";
import { type InputMetadata, toTensors } from "./tensor-input.ts";
import { createTransport, readText } from "./transport.ts";

export interface InferOptions {
	input?: Record<string, string>;
	json?: string;
	version?: number;
}

const MAX_METADATA_BYTES = 1024 * 1024;

const readJson = (text: string, where: string): unknown => {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new RunmeshError("RM_BAD_INPUT", `${where} is no JSON: ${(cause as Error).message}`, {
			hint: "write it as [1, 2, 3], [[1, 2], [3, 4]] or @file.json",
			cause,
		});
	}
};

const readJsonFile = async (path: string): Promise<unknown> => {
	const text = await readFile(path, "utf8").catch((cause: Error) => {
		throw new RunmeshError("RM_BAD_INPUT", `${path} can't be read: ${cause.message}`, { cause });
	});
	return readJson(text, path);
};

/** An object of values by name, or a V2 request, whose inputs carry theirs as `data`. */
const valuesOf = (body: unknown, path: string): Record<string, unknown> => {
	if (typeof body !== "object" || body === null || Array.isArray(body)) {
		throw new RunmeshError("RM_BAD_INPUT", `${path} is no JSON object`, { hint: 'write {"input name": [1, 2, 3]}' });
	}
	const { inputs } = body as { inputs?: unknown };
	if (!Array.isArray(inputs) || !inputs.every((input) => typeof input?.name === "string" && "data" in input)) {
		return body as Record<string, unknown>;
	}
	return Object.fromEntries(inputs.map(({ name, data }: { name: string; data: unknown }) => [name, data]));
};

const readValues = async ({ input = {}, json }: InferOptions): Promise<Record<string, unknown>> => {
	const values = json === undefined ? {} : valuesOf(await readJsonFile(json), json);
	for (const [name, text] of Object.entries(input)) {
		values[name] = text.startsWith("@") ? await readJsonFile(text.slice(1)) : readJson(text, `--input ${name}`);
	}
	if (Object.keys(values).length === 0) {
		throw new RunmeshError("RM_BAD_INPUT", "no input was given", { hint: "give --input name=[…] or --json FILE" });
	}
	return values;
};

type Replica = DeploymentView["replicas"][number];

/** Those that serve the model now, at least one. */
const findReplicas = async (client: ApiClient, model: string, version: number | undefined): Promise<Replica[]> => {
	const deployments = await client.deployments();
	const named = deployments.filter((deployment) => deployment.model === model);
	if (named.length === 0) {
		const models = [...new Set(deployments.map((deployment) => deployment.model))];
		throw new RunmeshError("RM_NOT_FOUND", `no deployment serves a model "${model}"`, {
			hint: didYouMean(model, models) || "see `runmesh deployments ls`",
		});
	}
	const replicas = named.flatMap((deployment) => deployment.replicas);
	const serving = replicas.filter(
		(replica) => replica.state === "serving" && (version === undefined || replica.version === version),
	);
	if (serving.length > 0) return serving;
	const states = replicas.map(({ agent, version, state }) => `${agent}: version ${version} ${state}`).join(", ");
	throw new RunmeshError(
		"RM_UNAVAILABLE",
		`no replica serves ${model}${version === undefined ? "" : ` version ${version}`} now (${states || "none is placed"})`,
		{ hint: "see `runmesh deployments ls`" },
	);
};

/** In turn, until one can be reached; what one answers, a refusal too, is the answer. */
const askInTurn = async <Answer>(
	replicas: readonly Replica[],
	model: string,
	ask: (endpoint: string) => Promise<Answer>,
): Promise<Answer> => {
	const unreached: string[] = [];
	for (const { agent, endpoint } of replicas) {
		try {
			return await ask(/^https?:/.test(endpoint) ? endpoint : `http://${endpoint}`);
		} catch (error) {
			if (error instanceof RunmeshError && error.code === "RM_UNAUTHENTICATED") throw refused(agent, error);
			if (!isUnreached(error)) throw error;
			unreached.push(`${agent} at ${endpoint}: ${(error.cause as Error).message}`);
		}
	}
	throw new RunmeshError("RM_UNAVAILABLE", `no replica of ${model} can be reached (${unreached.join("; ")})`, {
		hint: "do these agents run, and can this machine reach them? see `runmesh agents ls`",
	});
};

const refused = (agent: string, cause: RunmeshError): RunmeshError =>
	new RunmeshError("RM_UNAUTHENTICATED", `${agent} refuses the token: ${cause.message}`, {
		hint: "set RUNMESH_INFERENCE_TOKEN to the mesh's `inferenceToken`, or --home to the home of the mesh",
		cause,
	});

/** No answer came: the system's own error is the cause. */
const isUnreached = (error: unknown): error is RunmeshError =>
	error instanceof RunmeshError && error.code === "RM_UNAVAILABLE" && error.cause instanceof Error;

const readInputs = async (
	endpoint: string,
	token: string,
	model: string,
	version?: number,
): Promise<InputMetadata[]> => {
	const path = `/v2/models/${encodeURIComponent(model)}${version === undefined ? "" : `/versions/${version}`}`;
	const response = await createTransport({ url: endpoint, token })({ path });
	const { inputs } = readJson(await readText(response, MAX_METADATA_BYTES), `what ${endpoint} says of ${model}`) as {
		inputs?: InputMetadata[];
	};
	if (!Array.isArray(inputs)) {
		throw new RunmeshError("RM_UNAVAILABLE", `${endpoint} does not say what ${model} takes`);
	}
	return inputs;
};

/** Data is JSON text already: 64-bit integers must not pass through a number. */
const answerJson = ({ model, version, outputs }: InferAnswer): string => {
	const told = Object.entries(outputs).map(([name, tensor]) => {
		const head = JSON.stringify({ name, datatype: tensor.datatype, shape: tensor.shape });
		return `${head.slice(0, -1)},"data":${tensorDataToJson(tensor, `output \`${name}\``)}}`;
	});
	return `${JSON.stringify({ model, version }).slice(0, -1)},"outputs":[${told.join(",")}]}\n`;
};

const shortened = (value: unknown): string => (typeof value === "number" ? formatNumber(value) : String(value));

/** For people: numbers to four digits, NaN and infinities as they are, one line of each output on a terminal. */
const answerLines = (cli: CliContext, { outputs }: InferAnswer): string => {
	const width = cli.isTerminal ? (cli.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
	const lines = Object.entries(outputs).map(([name, { datatype, shape, data }]) => {
		const values = Array.from<unknown, string>(data, shortened).join(" ");
		return truncate(escapeControls(`${name}  ${datatype} [${shape.join(",")}]  ${values}`), width);
	});
	return `${lines.join("\n")}\n`;
};

export const infer = async (cli: CliContext, model: string, options: InferOptions): Promise<void> => {
	const values = await readValues(options);
	const { version } = options;
	const token = cli.inferenceToken() ?? "";
	const replicas = await findReplicas(cli.client(), model, version);
	const answer = await askInTurn(replicas, model, async (endpoint) => {
		const inputs = toTensors(values, await readInputs(endpoint, token, model, version));
		return inferHttp({ endpoint, token, model, inputs, ...(version === undefined ? {} : { version }) });
	});
	await write(cli.stdout, cli.output === "json" ? answerJson(answer) : answerLines(cli, answer));
};
