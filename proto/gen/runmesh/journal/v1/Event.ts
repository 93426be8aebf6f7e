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
import type { RunAdmitted as _runmesh_journal_v1_RunAdmitted, RunAdmitted__Output as _runmesh_journal_v1_RunAdmitted__Output } from '../../../runmesh/journal/v1/RunAdmitted.ts';
import type { RunTimedOut as _runmesh_journal_v1_RunTimedOut, RunTimedOut__Output as _runmesh_journal_v1_RunTimedOut__Output } from '../../../runmesh/journal/v1/RunTimedOut.ts';
import type { StepReadied as _runmesh_journal_v1_StepReadied, StepReadied__Output as _runmesh_journal_v1_StepReadied__Output } from '../../../runmesh/journal/v1/StepReadied.ts';
import type { MatrixExpanded as _runmesh_journal_v1_MatrixExpanded, MatrixExpanded__Output as _runmesh_journal_v1_MatrixExpanded__Output } from '../../../runmesh/journal/v1/MatrixExpanded.ts';
import type { ApprovalRequested as _runmesh_journal_v1_ApprovalRequested, ApprovalRequested__Output as _runmesh_journal_v1_ApprovalRequested__Output } from '../../../runmesh/journal/v1/ApprovalRequested.ts';
import type { ApprovalAnswered as _runmesh_journal_v1_ApprovalAnswered, ApprovalAnswered__Output as _runmesh_journal_v1_ApprovalAnswered__Output } from '../../../runmesh/journal/v1/ApprovalAnswered.ts';
import type { StepCancelRequested as _runmesh_journal_v1_StepCancelRequested, StepCancelRequested__Output as _runmesh_journal_v1_StepCancelRequested__Output } from '../../../runmesh/journal/v1/StepCancelRequested.ts';
import type { CacheChecked as _runmesh_journal_v1_CacheChecked, CacheChecked__Output as _runmesh_journal_v1_CacheChecked__Output } from '../../../runmesh/journal/v1/CacheChecked.ts';
import type { CacheRecorded as _runmesh_journal_v1_CacheRecorded, CacheRecorded__Output as _runmesh_journal_v1_CacheRecorded__Output } from '../../../runmesh/journal/v1/CacheRecorded.ts';
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
  'runAdmitted'?: (_runmesh_journal_v1_RunAdmitted | null);
  'runTimedOut'?: (_runmesh_journal_v1_RunTimedOut | null);
  'stepReadied'?: (_runmesh_journal_v1_StepReadied | null);
  'matrixExpanded'?: (_runmesh_journal_v1_MatrixExpanded | null);
  'approvalRequested'?: (_runmesh_journal_v1_ApprovalRequested | null);
  'approvalAnswered'?: (_runmesh_journal_v1_ApprovalAnswered | null);
  'stepCancelRequested'?: (_runmesh_journal_v1_StepCancelRequested | null);
  'cacheChecked'?: (_runmesh_journal_v1_CacheChecked | null);
  'cacheRecorded'?: (_runmesh_journal_v1_CacheRecorded | null);
  'body'?: "leaderElected"|"runSubmitted"|"runCancelRequested"|"runFinished"|"attemptLeased"|"attemptStarted"|"attemptEnded"|"stepSettled"|"stepRetryScheduled"|"modelVersionRegistered"|"deploymentChanged"|"replicaReported"|"runAdmitted"|"runTimedOut"|"stepReadied"|"matrixExpanded"|"approvalRequested"|"approvalAnswered"|"stepCancelRequested"|"cacheChecked"|"cacheRecorded";
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
  'runAdmitted'?: (_runmesh_journal_v1_RunAdmitted__Output | null);
  'runTimedOut'?: (_runmesh_journal_v1_RunTimedOut__Output | null);
  'stepReadied'?: (_runmesh_journal_v1_StepReadied__Output | null);
  'matrixExpanded'?: (_runmesh_journal_v1_MatrixExpanded__Output | null);
  'approvalRequested'?: (_runmesh_journal_v1_ApprovalRequested__Output | null);
  'approvalAnswered'?: (_runmesh_journal_v1_ApprovalAnswered__Output | null);
  'stepCancelRequested'?: (_runmesh_journal_v1_StepCancelRequested__Output | null);
  'cacheChecked'?: (_runmesh_journal_v1_CacheChecked__Output | null);
  'cacheRecorded'?: (_runmesh_journal_v1_CacheRecorded__Output | null);
  'body'?: "leaderElected"|"runSubmitted"|"runCancelRequested"|"runFinished"|"attemptLeased"|"attemptStarted"|"attemptEnded"|"stepSettled"|"stepRetryScheduled"|"modelVersionRegistered"|"deploymentChanged"|"replicaReported"|"runAdmitted"|"runTimedOut"|"stepReadied"|"matrixExpanded"|"approvalRequested"|"approvalAnswered"|"stepCancelRequested"|"cacheChecked"|"cacheRecorded";
}
