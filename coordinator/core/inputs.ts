/** What the core is told and what it wants done. Plain data: the simulator and the shells speak the same. */

import type {
	Advert,
	AgentMode,
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
	/** It has withdrawn its advert: it left for good. */
	| { kind: "agentLeft"; agentId: AgentId }
	| { kind: "setAgentMode"; agentId: AgentId; mode: AgentMode; reason: string; by: string; leave: boolean }
	| { kind: "forgetAgent"; agentId: AgentId; by: string }
	| { kind: "issueJoinToken"; tokenId: string; secretHash: string; ttlMs: number; uses: number; by: string }
	/** Asked by one that has shown the token's secret; whether it was in time, `hasUsed` of tokens.ts says. */
	| { kind: "useJoinToken"; tokenId: string; useId: string; host: string }
	| { kind: "revokeJoinToken"; tokenId: string; by: string }
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
	/** Take away what NATS keeps of it. */
	| { kind: "forgetAgent"; agentId: AgentId }
	/** Which of these uses of another code tree is the same on this one? Answered by `codeCompared`. */
	| { kind: "compareCode"; runId: RunId; stepKey: StepKey; code: ArtifactRef; candidates: CodeCandidate[] };

export interface CodeCandidate {
	/** The tree that was used; "" when there was none. */
	codeDigest: Digest | "";
	use: CodeUse;
}
