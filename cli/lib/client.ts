/** Typed calls for every endpoint of the HTTP API (shared/api.ts). */

import type { IncomingMessage } from "node:http";
import type {
	AgentModeRequest,
	AgentView,
	ApprovalRequest,
	ArtifactView,
	DeploymentView,
	EventView,
	ExplainView,
	JoinGrant,
	JoinRequest,
	JoinTokenRequest,
	JoinTokenView,
	LogRecord,
	ManifestView,
	MetricSeries,
	ModelView,
	Page,
	PlanView,
	RetryRequest,
	RunDetail,
	RunState,
	RunSummary,
	StepState,
	SubmitRequest,
} from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { readLines } from "./lines.ts";
import { overRestart } from "./restart.ts";
import { type ResumeOptions, resuming } from "./resume.ts";
import { readEvents } from "./sse.ts";
import { brokenOff, type Connection, createTransport, type Exchange, readText } from "./transport.ts";
import { unseenPart } from "./unseen.ts";

export interface RunQuery {
	state?: RunState | undefined;
	pipeline?: string | undefined;
	submitter?: string | undefined;
	since?: number | undefined;
	until?: number | undefined;
	search?: string | undefined;
	limit?: number | undefined;
	before?: string | undefined;
}

export interface LogQuery {
	attempt?: number | undefined;
	sinceMs?: number | undefined;
}

export interface ApiClient {
	readonly url: string;
	readonly token: string | null;
	submitRun(request: SubmitRequest): Promise<RunDetail>;
	plan(request: SubmitRequest): Promise<PlanView>;
	runs(query?: RunQuery): Promise<Page<RunSummary>>;
	/** `run` may be a unique prefix or "latest", here and below. */
	run(run: string, signal?: AbortSignal): Promise<RunDetail>;
	cancelRun(run: string, reason?: string, signal?: AbortSignal): Promise<RunDetail>;
	retryRun(run: string, request: RetryRequest): Promise<RunDetail>;
	cancelStep(run: string, step: string, reason?: string): Promise<RunDetail>;
	approveStep(run: string, step: string, answer: ApprovalRequest): Promise<RunDetail>;
	explain(run: string, step?: string, attempt?: number): Promise<ExplainView>;
	/** What is there now. `step` is a step key, or "*" for all. */
	logs(run: string, step: string, query?: LogQuery): AsyncIterable<LogRecord>;
	/** Until the run, or the step, has finished: each byte once, over cuts and restarts. */
	followLogs(run: string, step: string, query?: LogQuery, options?: ResumeOptions): AsyncIterable<LogRecord>;
	/** Until the signal aborts; after a cut it goes on behind the last event seen. */
	events(run: string | null, options?: ResumeOptions): AsyncIterable<EventView>;
	metrics(run: string, name?: string): Promise<MetricSeries[]>;
	artifacts(run: string): Promise<ArtifactView[]>;
	manifest(digest: string): Promise<ManifestView>;
	openBlob(digest: string): Promise<IncomingMessage>;
	putBlob(digest: string, sizeBytes: number, open: () => NodeJS.ReadableStream): Promise<void>;
	missingBlobs(digests: string[]): Promise<string[]>;
	agents(): Promise<AgentView[]>;
	agent(agent: string): Promise<AgentView>;
	cordonAgent(agent: string, request: AgentModeRequest): Promise<AgentView>;
	uncordonAgent(agent: string): Promise<AgentView>;
	drainAgent(agent: string, request: AgentModeRequest): Promise<AgentView>;
	/** Of one that is lost. */
	forgetAgent(agent: string): Promise<void>;
	/** With its secret, which is told this once. */
	createJoinToken(request: JoinTokenRequest): Promise<JoinTokenView>;
	joinTokens(): Promise<JoinTokenView[]>;
	revokeJoinToken(id: string): Promise<void>;
	join(request: JoinRequest): Promise<JoinGrant>;
	models(): Promise<ModelView[]>;
	model(model: string): Promise<ModelView>;
	deployments(): Promise<DeploymentView[]>;
	/** Whether the coordinator can take work now. */
	isReady(): Promise<boolean>;
}

const MAX_BODY = 256 * 1024 * 1024;
const MAX_LOG_LINE = 16 * 1024 * 1024;

const parseJson = <T>(text: string, url: string): T => {
	try {
		return JSON.parse(text) as T;
	} catch (cause) {
		throw new RunmeshError("RM_UNAVAILABLE", `what listens at ${url} does not answer as a coordinator does`, {
			hint: "check --url or RUNMESH_URL",
			cause,
		});
	}
};

type Query = Record<string, string | number | boolean | undefined>;

const withQuery = (path: string, query: Query): string => {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
	return search.size === 0 ? path : `${path}?${search}`;
};

const segment = encodeURIComponent;

/** Reads a body to its end or the reader's; one that breaks off is an error that may pass. */
async function* guarded<T>(what: string, response: IncomingMessage, read: () => AsyncIterable<T>): AsyncGenerator<T> {
	try {
		yield* read();
	} catch (error) {
		throw brokenOff(what, error);
	} finally {
		response.destroy();
	}
}

const finalStates: ReadonlySet<RunState> = new Set(["succeeded", "failed", "cancelled"]);

export const isFinished = (run: RunSummary): boolean => finalStates.has(run.state);

const settledStates: ReadonlySet<StepState> = new Set(["succeeded", "failed", "cancelled", "skipped"]);

/** Whether no more can come into the logs of this step, or attempt of it. */
const hasSettled = (run: RunDetail, key: string, attempt: number | undefined): boolean => {
	const step = run.stepList.find((candidate) => candidate.key === key);
	if (isFinished(run) || !step) return isFinished(run);
	const tried = step.attempts.find(({ number }) => number === attempt);
	return settledStates.has(step.state) || (tried !== undefined && tried.finishedAtMs !== null);
};

export const createApiClient = (connection: Connection): ApiClient => {
	const exchange = createTransport(connection);

	const call = async <T>(request: Exchange): Promise<T> => {
		const response = await overRestart(() => exchange(request), connection.isStarting ?? (() => false), request.signal);
		const text = await readText(response, MAX_BODY).catch((error) => {
			throw brokenOff(request.path, error);
		});
		return parseJson<T>(text, connection.url);
	};
	const get = <T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> =>
		call<T>({ path: `/api/v1${withQuery(path, query)}`, ...(signal ? { signal } : {}) });
	const post = <T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> =>
		call<T>({
			method: "POST",
			path: `/api/v1${path}`,
			headers: { "content-type": "application/json" },
			body: JSON.stringify(body),
			...(signal ? { signal } : {}),
		});

	const remove = async (path: string): Promise<void> => {
		(await exchange({ method: "DELETE", path: `/api/v1${path}` })).resume();
	};

	const records = async (path: string, signal?: AbortSignal): Promise<AsyncIterable<LogRecord>> => {
		const headers = { accept: "application/x-ndjson" };
		const response = await exchange({ path, headers, ...(signal ? { signal } : {}) });
		return guarded("logs", response, async function* () {
			for await (const line of readLines(response, { limit: MAX_LOG_LINE, partial: false })) {
				if (line !== "") yield parseJson<LogRecord>(line, connection.url);
			}
		});
	};
	const logsPath = (run: string, step: string, { attempt, sinceMs }: LogQuery, follow?: true): string =>
		withQuery(`/api/v1/runs/${segment(run)}/steps/${segment(step)}/logs`, { follow, attempt, since: sinceMs });

	const client: ApiClient = {
		url: connection.url,
		token: connection.token,
		submitRun: (request) => post("/runs", request),
		plan: (request) => post("/plan", request),
		runs: (query = {}) => get("/runs", { ...query }),
		run: (run, signal) => get(`/runs/${segment(run)}`, {}, signal),
		cancelRun: (run, reason, signal) => post(`/runs/${segment(run)}/cancel`, { reason }, signal),
		retryRun: (run, request) => post(`/runs/${segment(run)}/retry`, request),
		cancelStep: (run, step, reason) => post(`/runs/${segment(run)}/steps/${segment(step)}/cancel`, { reason }),
		approveStep: (run, step, answer) => post(`/runs/${segment(run)}/steps/${segment(step)}/approve`, answer),
		explain: (run, step, attempt) => get(`/runs/${segment(run)}/explain`, { step, attempt }),
		logs: async function* (run, step, query = {}) {
			yield* await records(logsPath(run, step, query));
		},
		followLogs: async function* (run, step, query = {}, options = {}) {
			// A restarted coordinator sends from the start again, since clocks of agents differ: offsets tell what is new.
			const unseen = unseenPart();
			const open = () => records(logsPath(run, step, query, true), options.signal);
			const over = async () => hasSettled(await client.run(run), step, query.attempt);
			for await (const record of resuming(open, over, options)) {
				const rest = unseen(record);
				if (rest) yield rest;
			}
		},
		events: async function* (run, options = {}) {
			let lastId = "";
			const open = async (): Promise<AsyncIterable<EventView>> => {
				const response = await exchange({
					path: withQuery("/api/v1/events", { run: run ?? undefined }),
					headers: { accept: "text/event-stream", ...(lastId === "" ? {} : { "last-event-id": lastId }) },
					...(options.signal ? { signal: options.signal } : {}),
				});
				return guarded("events", response, async function* () {
					for await (const { id, data } of readEvents(response)) {
						if (id !== "") lastId = id;
						yield parseJson<EventView>(data, connection.url);
					}
				});
			};
			yield* resuming(open, async () => false, options);
		},
		metrics: (run, name) => get(`/runs/${segment(run)}/metrics`, { name }),
		artifacts: (run) => get(`/runs/${segment(run)}/artifacts`),
		manifest: (digest) => get(`/artifacts/${segment(digest)}`),
		openBlob: (digest) =>
			exchange({ path: `/api/v1/blobs/${segment(digest)}`, headers: { accept: "application/octet-stream" } }),
		putBlob: async (digest, sizeBytes, open) => {
			const response = await exchange({
				method: "PUT",
				path: `/api/v1/blobs/${segment(digest)}`,
				headers: { "content-type": "application/octet-stream", "content-length": String(sizeBytes) },
				body: open,
			});
			response.resume();
		},
		missingBlobs: async (digests) => (await post<{ missing: string[] }>("/blobs/missing", { digests })).missing,
		agents: () => get("/agents"),
		agent: (agent) => get(`/agents/${segment(agent)}`),
		cordonAgent: (agent, request) => post(`/agents/${segment(agent)}/cordon`, request),
		uncordonAgent: (agent) => post(`/agents/${segment(agent)}/uncordon`),
		drainAgent: (agent, request) => post(`/agents/${segment(agent)}/drain`, request),
		forgetAgent: (agent) => remove(`/agents/${segment(agent)}`),
		createJoinToken: (request) => post("/join-tokens", request),
		joinTokens: () => get("/join-tokens"),
		revokeJoinToken: (id) => remove(`/join-tokens/${segment(id)}`),
		join: (request) => post("/join", request),
		models: () => get("/models"),
		model: (model) => get(`/models/${segment(model)}`),
		deployments: () => get("/deployments"),
		isReady: async () => {
			try {
				(await exchange({ path: "/readyz" })).resume();
				return true;
			} catch {
				return false;
			}
		},
	};
	return Object.freeze(client);
};
