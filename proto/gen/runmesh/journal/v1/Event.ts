// Original file: proto/runmesh/journal/v1/journal.proto

import type { LeaderElected as _runmesh_journal_v1_LeaderElected, LeaderElected__Output as _runmesh_journal_v1_LeaderElected__Output } from '../../../runmesh/journal/v1/LeaderElected.ts';
import type { RunSubmitted as _runmesh_journal_v1_RunSubmitted, RunSubmitted__Output as _runmesh_journal_v1_RunSubmitted__Output } from '../../../runmesh/journal/v1/RunSubmitted.ts';
import type { RunCancelRequested as _runmesh_journal_v1_RunCancelRequested, RunCancelRequested__Output as _runmesh_journal_v1_RunCancelRequested__Output } from '../../../runmesh/journal/v1/RunCancelRequested.ts';
import type { RunFinished as _runmesh_journal_v1_RunFinished, RunFinished__Output as _runmesh_journal_v1_RunFinished__Output } from '../../../runmesh/journal/v1/RunFinished.ts';
import type { AttemptLeased as _runmesh_journal_v1_AttemptLeased, AttemptLeased__Output as _runmesh_journal_v1_AttemptLeased__Output } from '../../../runmesh/journal/v1/AttemptLeased.ts';
import type { AttemptStarted as _runmesh_journal_v1_AttemptStarted, AttemptStarted__Output as _runmesh_journal_v1_AttemptStarted__Output } from '../../../runmesh/journal/v1/AttemptStarted.ts';
import type { AttemptEnded as _runmesh_journal_v1_AttemptEnded, AttemptEnded__Output as _runmesh_journal_v1_AttemptEnded__Output } from '../../../runmesh/journal/v1/AttemptEnded.ts';
import type { StepSettled as _runmesh_journal_v1_StepSettled, StepSettled__Output as _runmesh_journal_v1_StepSettled__Output } from '../../../runmesh/journal/v1/StepSettled.ts';
import type { StepRetryScheduled as _runmesh_journal_v1_StepRetryScheduled, StepRetryScheduled__Output as _runmesh_journal_v1_StepRetryScheduled__Output } from '../../../runmesh/journal/v1/StepRetryScheduled.ts';
import type { ModelVersionRegistered as _runmesh_journal_v1_ModelVersionRegistered, ModelVersionRegistered__Output as _runmesh_journal_v1_ModelVersionRegistered__Output } from '../../../runmesh/journal/v1/ModelVersionRegistered.ts';
import type { DeploymentChanged as _runmesh_journal_v1_DeploymentChanged, DeploymentChanged__Output as _runmesh_journal_v1_DeploymentChanged__Output } from '../../../runmesh/journal/v1/DeploymentChanged.ts';
import type { ReplicaReported as _runmesh_journal_v1_ReplicaReported, ReplicaReported__Output as _runmesh_journal_v1_ReplicaReported__Output } from '../../../runmesh/journal/v1/ReplicaReported.ts';
import type { Long } from '@grpc/proto-loader';

export interface Event {
  'atMs'?: (number | string | Long);
  'leaderElected'?: (_runmesh_journal_v1_LeaderElected | null);
  'runSubmitted'?: (_runmesh_journal_v1_RunSubmitted | null);
  'runCancelRequested'?: (_runmesh_journal_v1_RunCancelRequested | null);
  'runFinished'?: (_runmesh_journal_v1_RunFinished | null);
  'attemptLeased'?: (_runmesh_journal_v1_AttemptLeased | null);
  'attemptStarted'?: (_runmesh_journal_v1_AttemptStarted | null);
  'attemptEnded'?: (_runmesh_journal_v1_AttemptEnded | null);
  'stepSettled'?: (_runmesh_journal_v1_StepSettled | null);
  'stepRetryScheduled'?: (_runmesh_journal_v1_StepRetryScheduled | null);
  'modelVersionRegistered'?: (_runmesh_journal_v1_ModelVersionRegistered | null);
  'deploymentChanged'?: (_runmesh_journal_v1_DeploymentChanged | null);
  'replicaReported'?: (_runmesh_journal_v1_ReplicaReported | null);
  'body'?: "leaderElected"|"runSubmitted"|"runCancelRequested"|"runFinished"|"attemptLeased"|"attemptStarted"|"attemptEnded"|"stepSettled"|"stepRetryScheduled"|"modelVersionRegistered"|"deploymentChanged"|"replicaReported";
}

export interface Event__Output {
  'atMs': (number);
  'leaderElected'?: (_runmesh_journal_v1_LeaderElected__Output | null);
  'runSubmitted'?: (_runmesh_journal_v1_RunSubmitted__Output | null);
  'runCancelRequested'?: (_runmesh_journal_v1_RunCancelRequested__Output | null);
  'runFinished'?: (_runmesh_journal_v1_RunFinished__Output | null);
  'attemptLeased'?: (_runmesh_journal_v1_AttemptLeased__Output | null);
  'attemptStarted'?: (_runmesh_journal_v1_AttemptStarted__Output | null);
  'attemptEnded'?: (_runmesh_journal_v1_AttemptEnded__Output | null);
  'stepSettled'?: (_runmesh_journal_v1_StepSettled__Output | null);
  'stepRetryScheduled'?: (_runmesh_journal_v1_StepRetryScheduled__Output | null);
  'modelVersionRegistered'?: (_runmesh_journal_v1_ModelVersionRegistered__Output | null);
  'deploymentChanged'?: (_runmesh_journal_v1_DeploymentChanged__Output | null);
  'replicaReported'?: (_runmesh_journal_v1_ReplicaReported__Output | null);
  'body'?: "leaderElected"|"runSubmitted"|"runCancelRequested"|"runFinished"|"attemptLeased"|"attemptStarted"|"attemptEnded"|"stepSettled"|"stepRetryScheduled"|"modelVersionRegistered"|"deploymentChanged"|"replicaReported";
}
