/** What the core is told and what it wants done. Plain data: the simulator and the shells speak the same. */

import type {
	Advert,
	ArtifactRef,
	Control,
	DesiredServing,
	Heartbeat,
	HeartbeatReply,
	Report,
	Task,
} from "#shared/domain.ts";
import type { AgentId, RunId } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";

export type Input =
	| {
			kind: "submitRun";
			runId: RunId;
			definition: PipelineDefinition;
			params: Record<string, ParamValue>;
			submitter: string;
			code: ArtifactRef | null;
			submissionId: string;
	  }
	| { kind: "cancelRun"; runId: RunId; reason: string }
	| { kind: "reportReceived"; report: Report }
	/** `replyTo` comes back in the reply's effect. */
	| { kind: "heartbeatReceived"; heartbeat: Heartbeat; replyTo: string }
	| { kind: "advertReceived"; advert: Advert }
	/** This coordinator leads from now on; the journal has been replayed. */
	| { kind: "leadershipGained"; coordinatorId: string; epoch: number }
	| { kind: "tick" };

/** Carried out only after the journal has the turn's events. */
export type Effect =
	| { kind: "sendTask"; agentId: AgentId; task: Task; sendId: string }
	| { kind: "sendControl"; agentId: AgentId; control: Control }
	| { kind: "putServing"; agentId: AgentId; desired: DesiredServing }
	| { kind: "replyHeartbeat"; replyTo: string; reply: HeartbeatReply };
