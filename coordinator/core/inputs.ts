/** What the core is told and what it wants done. Plain data: the simulator and the shells speak the same. */

import type {
	Advert,
	ArtifactRef,
	CodeUse,
	Control,
	DesiredServing,
	Heartbeat,
	HeartbeatReply,
	Report,
	Task,
} from "#shared/domain.ts";
import type { AgentId, Digest, RunId, StepKey } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";
import type { CacheMode, ReusedStep } from "./events.ts";

export type Input =
	| {
			kind: "submitRun";
			runId: RunId;
			definition: PipelineDefinition;
			params: Record<string, ParamValue>;
			submitter: string;
			code: ArtifactRef | null;
			submissionId: string;
			reused: ReusedStep[];
			leftOut: string[];
			cacheMode: CacheMode;
			basedOn: RunId | "";
	  }
	| { kind: "cancelRun"; runId: RunId; reason: string }
	| { kind: "cancelStep"; runId: RunId; stepKey: StepKey; reason: string }
	| { kind: "answerApproval"; runId: RunId; stepKey: StepKey; approved: boolean; by: string; comment: string }
	/**
	 * The answer to `compareCode`: which candidate read nothing that differs; null when none, or it can't be told. Then
	 * `differing` says what does for the first: "train.mjs changed".
	 */
	| { kind: "codeCompared"; runId: RunId; stepKey: StepKey; match: number | null; differing: string[] }
	| { kind: "reportReceived"; report: Report }
	/** `replyTo` comes back in the reply's effect. */
	| { kind: "heartbeatReceived"; heartbeat: Heartbeat; replyTo: string }
	| { kind: "advertReceived"; advert: Advert }
	/** This coordinator leads from now on; the journal has been replayed. */
	| { kind: "leadershipGained"; coordinatorId: string; epoch: number }
	/** It could hear nobody for so long: NATS was away, or it stood still. */
	| { kind: "leaderWasAway"; forMs: number }
	| { kind: "tick" };

/** Carried out only after the journal has the turn's events. */
export type Effect =
	| { kind: "sendTask"; agentId: AgentId; task: Task; sendId: string }
	| { kind: "sendControl"; agentId: AgentId; control: Control }
	| { kind: "putServing"; agentId: AgentId; desired: DesiredServing }
	| { kind: "replyHeartbeat"; replyTo: string; reply: HeartbeatReply }
	/** Which of these uses of another code tree is the same on this one? Answered by `codeCompared`. */
	| { kind: "compareCode"; runId: RunId; stepKey: StepKey; code: ArtifactRef; candidates: CodeCandidate[] };

export interface CodeCandidate {
	/** The tree that was used; "" when there was none. */
	codeDigest: Digest | "";
	use: CodeUse;
}
