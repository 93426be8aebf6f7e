/** `apply(state, event)`: the only writer of journaled state. Deterministic: the same journal gives the same state. */

import { assertNever } from "#shared/assert-never.ts";
import { agentOf } from "./agents.ts";
import { applyAgentForgotten, applyAgentModeChanged } from "./apply/agents.ts";
import {
	applyAttemptEnded,
	applyAttemptLeased,
	applyAttemptMemberEnded,
	applyAttemptStarted,
	applyRetryScheduled,
} from "./apply/attempts.ts";
import { applyMatrixExpanded, applyRunAdmitted, applyRunFinished, applyRunSubmitted } from "./apply/runs.ts";
import { applyDeploymentChanged, applyModelVersionRegistered, applyReplicaReported } from "./apply/serving.ts";
import { applyStepSettled } from "./apply/steps.ts";
import { applyJoinTokenIssued, applyJoinTokenRevoked, applyJoinTokenUsed } from "./apply/tokens.ts";
import type { JournalEvent } from "./events.ts";
import { moveStep, requireRun, requireStep } from "./moves.ts";
import type { MeshState } from "./state.ts";
import { assertMove, runMoves } from "./transitions.ts";

export const apply = (state: MeshState, event: JournalEvent): void => {
	state.lastEventAtMs = Math.max(state.lastEventAtMs, event.atMs);
	switch (event.kind) {
		case "leaderElected":
			state.epoch = event.epoch;
			return;
		case "runSubmitted":
			return applyRunSubmitted(state, event);
		case "runAdmitted":
			return applyRunAdmitted(state, event);
		case "runCancelRequested": {
			const run = requireRun(state, event.runId);
			assertMove(runMoves, run.id, run.status, "cancelling");
			run.status = "cancelling";
			return;
		}
		case "runTimedOut":
			requireRun(state, event.runId).timedOut = event.reason;
			return;
		case "runFinished":
			return applyRunFinished(state, event);
		case "matrixExpanded":
			return applyMatrixExpanded(state, event);
		case "stepReadied":
			return moveStep(state, requireStep(state, event), "ready", event.atMs);
		case "stepCancelRequested":
			requireStep(state, event).cancelReason = event.reason;
			return;
		case "approvalRequested":
			return moveStep(state, requireStep(state, event), "held", event.atMs);
		case "approvalAnswered": {
			const { approved, by, comment } = event;
			requireStep(state, event).answer = { approved, by, comment };
			return;
		}
		case "attemptLeased":
			return applyAttemptLeased(
				state,
				event,
				[event.agentId, ...event.memberIds].map((id) => agentOf(state, id)),
			);
		case "attemptStarted":
			return applyAttemptStarted(state, event);
		case "attemptMemberEnded":
			return applyAttemptMemberEnded(state, event);
		case "attemptEnded":
			return applyAttemptEnded(state, event);
		case "stepRetryScheduled":
			return applyRetryScheduled(state, event);
		case "stepSettled":
			return applyStepSettled(state, event);
		case "cacheChecked":
			requireStep(state, event).cacheMissed = !event.hit;
			return;
		case "cacheRecorded":
			return state.results.record(requireStep(state, event), event);
		case "modelVersionRegistered":
			return applyModelVersionRegistered(state, event);
		case "deploymentChanged":
			return applyDeploymentChanged(state, event);
		case "replicaReported":
			return applyReplicaReported(state, event);
		case "agentModeChanged":
			return applyAgentModeChanged(state, event);
		case "agentForgotten":
			return applyAgentForgotten(state, event);
		case "joinTokenIssued":
			return applyJoinTokenIssued(state, event);
		case "joinTokenUsed":
			return applyJoinTokenUsed(state, event);
		case "joinTokenRevoked":
			return applyJoinTokenRevoked(state, event);
		default:
			return assertNever(event);
	}
};
