import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from './runmesh/common/v1/ArtifactRef.ts';
import type { GpuRequest as _runmesh_common_v1_GpuRequest, GpuRequest__Output as _runmesh_common_v1_GpuRequest__Output } from './runmesh/common/v1/GpuRequest.ts';
import type { Manifest as _runmesh_common_v1_Manifest, Manifest__Output as _runmesh_common_v1_Manifest__Output } from './runmesh/common/v1/Manifest.ts';
import type { ManifestEntry as _runmesh_common_v1_ManifestEntry, ManifestEntry__Output as _runmesh_common_v1_ManifestEntry__Output } from './runmesh/common/v1/ManifestEntry.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from './runmesh/common/v1/Metric.ts';
import type { Resources as _runmesh_common_v1_Resources, Resources__Output as _runmesh_common_v1_Resources__Output } from './runmesh/common/v1/Resources.ts';
import type { AgentForgotten as _runmesh_journal_v1_AgentForgotten, AgentForgotten__Output as _runmesh_journal_v1_AgentForgotten__Output } from './runmesh/journal/v1/AgentForgotten.ts';
import type { AgentModeChanged as _runmesh_journal_v1_AgentModeChanged, AgentModeChanged__Output as _runmesh_journal_v1_AgentModeChanged__Output } from './runmesh/journal/v1/AgentModeChanged.ts';
import type { ApprovalAnswered as _runmesh_journal_v1_ApprovalAnswered, ApprovalAnswered__Output as _runmesh_journal_v1_ApprovalAnswered__Output } from './runmesh/journal/v1/ApprovalAnswered.ts';
import type { ApprovalRequested as _runmesh_journal_v1_ApprovalRequested, ApprovalRequested__Output as _runmesh_journal_v1_ApprovalRequested__Output } from './runmesh/journal/v1/ApprovalRequested.ts';
import type { AttemptEnded as _runmesh_journal_v1_AttemptEnded, AttemptEnded__Output as _runmesh_journal_v1_AttemptEnded__Output } from './runmesh/journal/v1/AttemptEnded.ts';
import type { AttemptLeased as _runmesh_journal_v1_AttemptLeased, AttemptLeased__Output as _runmesh_journal_v1_AttemptLeased__Output } from './runmesh/journal/v1/AttemptLeased.ts';
import type { AttemptMemberEnded as _runmesh_journal_v1_AttemptMemberEnded, AttemptMemberEnded__Output as _runmesh_journal_v1_AttemptMemberEnded__Output } from './runmesh/journal/v1/AttemptMemberEnded.ts';
import type { AttemptStarted as _runmesh_journal_v1_AttemptStarted, AttemptStarted__Output as _runmesh_journal_v1_AttemptStarted__Output } from './runmesh/journal/v1/AttemptStarted.ts';
import type { CacheChecked as _runmesh_journal_v1_CacheChecked, CacheChecked__Output as _runmesh_journal_v1_CacheChecked__Output } from './runmesh/journal/v1/CacheChecked.ts';
import type { CacheRecorded as _runmesh_journal_v1_CacheRecorded, CacheRecorded__Output as _runmesh_journal_v1_CacheRecorded__Output } from './runmesh/journal/v1/CacheRecorded.ts';
import type { DeploymentChanged as _runmesh_journal_v1_DeploymentChanged, DeploymentChanged__Output as _runmesh_journal_v1_DeploymentChanged__Output } from './runmesh/journal/v1/DeploymentChanged.ts';
import type { Event as _runmesh_journal_v1_Event, Event__Output as _runmesh_journal_v1_Event__Output } from './runmesh/journal/v1/Event.ts';
import type { JoinTokenIssued as _runmesh_journal_v1_JoinTokenIssued, JoinTokenIssued__Output as _runmesh_journal_v1_JoinTokenIssued__Output } from './runmesh/journal/v1/JoinTokenIssued.ts';
import type { JoinTokenRevoked as _runmesh_journal_v1_JoinTokenRevoked, JoinTokenRevoked__Output as _runmesh_journal_v1_JoinTokenRevoked__Output } from './runmesh/journal/v1/JoinTokenRevoked.ts';
import type { JoinTokenUsed as _runmesh_journal_v1_JoinTokenUsed, JoinTokenUsed__Output as _runmesh_journal_v1_JoinTokenUsed__Output } from './runmesh/journal/v1/JoinTokenUsed.ts';
import type { JournalBatch as _runmesh_journal_v1_JournalBatch, JournalBatch__Output as _runmesh_journal_v1_JournalBatch__Output } from './runmesh/journal/v1/JournalBatch.ts';
import type { LeaderElected as _runmesh_journal_v1_LeaderElected, LeaderElected__Output as _runmesh_journal_v1_LeaderElected__Output } from './runmesh/journal/v1/LeaderElected.ts';
import type { MatrixExpanded as _runmesh_journal_v1_MatrixExpanded, MatrixExpanded__Output as _runmesh_journal_v1_MatrixExpanded__Output } from './runmesh/journal/v1/MatrixExpanded.ts';
import type { ModelVersionRegistered as _runmesh_journal_v1_ModelVersionRegistered, ModelVersionRegistered__Output as _runmesh_journal_v1_ModelVersionRegistered__Output } from './runmesh/journal/v1/ModelVersionRegistered.ts';
import type { ReplicaReported as _runmesh_journal_v1_ReplicaReported, ReplicaReported__Output as _runmesh_journal_v1_ReplicaReported__Output } from './runmesh/journal/v1/ReplicaReported.ts';
import type { ReusedStep as _runmesh_journal_v1_ReusedStep, ReusedStep__Output as _runmesh_journal_v1_ReusedStep__Output } from './runmesh/journal/v1/ReusedStep.ts';
import type { RunAdmitted as _runmesh_journal_v1_RunAdmitted, RunAdmitted__Output as _runmesh_journal_v1_RunAdmitted__Output } from './runmesh/journal/v1/RunAdmitted.ts';
import type { RunCancelRequested as _runmesh_journal_v1_RunCancelRequested, RunCancelRequested__Output as _runmesh_journal_v1_RunCancelRequested__Output } from './runmesh/journal/v1/RunCancelRequested.ts';
import type { RunFinished as _runmesh_journal_v1_RunFinished, RunFinished__Output as _runmesh_journal_v1_RunFinished__Output } from './runmesh/journal/v1/RunFinished.ts';
import type { RunSubmitted as _runmesh_journal_v1_RunSubmitted, RunSubmitted__Output as _runmesh_journal_v1_RunSubmitted__Output } from './runmesh/journal/v1/RunSubmitted.ts';
import type { RunTimedOut as _runmesh_journal_v1_RunTimedOut, RunTimedOut__Output as _runmesh_journal_v1_RunTimedOut__Output } from './runmesh/journal/v1/RunTimedOut.ts';
import type { StepCancelRequested as _runmesh_journal_v1_StepCancelRequested, StepCancelRequested__Output as _runmesh_journal_v1_StepCancelRequested__Output } from './runmesh/journal/v1/StepCancelRequested.ts';
import type { StepReadied as _runmesh_journal_v1_StepReadied, StepReadied__Output as _runmesh_journal_v1_StepReadied__Output } from './runmesh/journal/v1/StepReadied.ts';
import type { StepRetryScheduled as _runmesh_journal_v1_StepRetryScheduled, StepRetryScheduled__Output as _runmesh_journal_v1_StepRetryScheduled__Output } from './runmesh/journal/v1/StepRetryScheduled.ts';
import type { StepSettled as _runmesh_journal_v1_StepSettled, StepSettled__Output as _runmesh_journal_v1_StepSettled__Output } from './runmesh/journal/v1/StepSettled.ts';
import type { AttemptDeclined as _runmesh_report_v1_AttemptDeclined, AttemptDeclined__Output as _runmesh_report_v1_AttemptDeclined__Output } from './runmesh/report/v1/AttemptDeclined.ts';
import type { AttemptFinished as _runmesh_report_v1_AttemptFinished, AttemptFinished__Output as _runmesh_report_v1_AttemptFinished__Output } from './runmesh/report/v1/AttemptFinished.ts';
import type { AttemptIdentity as _runmesh_report_v1_AttemptIdentity, AttemptIdentity__Output as _runmesh_report_v1_AttemptIdentity__Output } from './runmesh/report/v1/AttemptIdentity.ts';
import type { AttemptStarted as _runmesh_report_v1_AttemptStarted, AttemptStarted__Output as _runmesh_report_v1_AttemptStarted__Output } from './runmesh/report/v1/AttemptStarted.ts';
import type { CodeUse as _runmesh_report_v1_CodeUse, CodeUse__Output as _runmesh_report_v1_CodeUse__Output } from './runmesh/report/v1/CodeUse.ts';
import type { Failure as _runmesh_report_v1_Failure, Failure__Output as _runmesh_report_v1_Failure__Output } from './runmesh/report/v1/Failure.ts';
import type { Report as _runmesh_report_v1_Report, Report__Output as _runmesh_report_v1_Report__Output } from './runmesh/report/v1/Report.ts';
import type { Reports as _runmesh_report_v1_Reports, Reports__Output as _runmesh_report_v1_Reports__Output } from './runmesh/report/v1/Reports.ts';
import type { Usage as _runmesh_report_v1_Usage, Usage__Output as _runmesh_report_v1_Usage__Output } from './runmesh/report/v1/Usage.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  runmesh: {
    common: {
      v1: {
        ArtifactRef: MessageTypeDefinition<_runmesh_common_v1_ArtifactRef, _runmesh_common_v1_ArtifactRef__Output>
        GpuRequest: MessageTypeDefinition<_runmesh_common_v1_GpuRequest, _runmesh_common_v1_GpuRequest__Output>
        Manifest: MessageTypeDefinition<_runmesh_common_v1_Manifest, _runmesh_common_v1_Manifest__Output>
        ManifestEntry: MessageTypeDefinition<_runmesh_common_v1_ManifestEntry, _runmesh_common_v1_ManifestEntry__Output>
        Metric: MessageTypeDefinition<_runmesh_common_v1_Metric, _runmesh_common_v1_Metric__Output>
        Resources: MessageTypeDefinition<_runmesh_common_v1_Resources, _runmesh_common_v1_Resources__Output>
      }
    }
    journal: {
      v1: {
        AgentForgotten: MessageTypeDefinition<_runmesh_journal_v1_AgentForgotten, _runmesh_journal_v1_AgentForgotten__Output>
        AgentMode: EnumTypeDefinition
        AgentModeChanged: MessageTypeDefinition<_runmesh_journal_v1_AgentModeChanged, _runmesh_journal_v1_AgentModeChanged__Output>
        ApprovalAnswered: MessageTypeDefinition<_runmesh_journal_v1_ApprovalAnswered, _runmesh_journal_v1_ApprovalAnswered__Output>
        ApprovalRequested: MessageTypeDefinition<_runmesh_journal_v1_ApprovalRequested, _runmesh_journal_v1_ApprovalRequested__Output>
        AttemptEnded: MessageTypeDefinition<_runmesh_journal_v1_AttemptEnded, _runmesh_journal_v1_AttemptEnded__Output>
        AttemptLeased: MessageTypeDefinition<_runmesh_journal_v1_AttemptLeased, _runmesh_journal_v1_AttemptLeased__Output>
        AttemptMemberEnded: MessageTypeDefinition<_runmesh_journal_v1_AttemptMemberEnded, _runmesh_journal_v1_AttemptMemberEnded__Output>
        AttemptStarted: MessageTypeDefinition<_runmesh_journal_v1_AttemptStarted, _runmesh_journal_v1_AttemptStarted__Output>
        AttemptState: EnumTypeDefinition
        CacheChecked: MessageTypeDefinition<_runmesh_journal_v1_CacheChecked, _runmesh_journal_v1_CacheChecked__Output>
        CacheMode: EnumTypeDefinition
        CacheRecorded: MessageTypeDefinition<_runmesh_journal_v1_CacheRecorded, _runmesh_journal_v1_CacheRecorded__Output>
        DeploymentChanged: MessageTypeDefinition<_runmesh_journal_v1_DeploymentChanged, _runmesh_journal_v1_DeploymentChanged__Output>
        Event: MessageTypeDefinition<_runmesh_journal_v1_Event, _runmesh_journal_v1_Event__Output>
        JoinTokenIssued: MessageTypeDefinition<_runmesh_journal_v1_JoinTokenIssued, _runmesh_journal_v1_JoinTokenIssued__Output>
        JoinTokenRevoked: MessageTypeDefinition<_runmesh_journal_v1_JoinTokenRevoked, _runmesh_journal_v1_JoinTokenRevoked__Output>
        JoinTokenUsed: MessageTypeDefinition<_runmesh_journal_v1_JoinTokenUsed, _runmesh_journal_v1_JoinTokenUsed__Output>
        JournalBatch: MessageTypeDefinition<_runmesh_journal_v1_JournalBatch, _runmesh_journal_v1_JournalBatch__Output>
        LeaderElected: MessageTypeDefinition<_runmesh_journal_v1_LeaderElected, _runmesh_journal_v1_LeaderElected__Output>
        MatrixExpanded: MessageTypeDefinition<_runmesh_journal_v1_MatrixExpanded, _runmesh_journal_v1_MatrixExpanded__Output>
        ModelVersionRegistered: MessageTypeDefinition<_runmesh_journal_v1_ModelVersionRegistered, _runmesh_journal_v1_ModelVersionRegistered__Output>
        ReplicaReported: MessageTypeDefinition<_runmesh_journal_v1_ReplicaReported, _runmesh_journal_v1_ReplicaReported__Output>
        ReusedStep: MessageTypeDefinition<_runmesh_journal_v1_ReusedStep, _runmesh_journal_v1_ReusedStep__Output>
        RunAdmitted: MessageTypeDefinition<_runmesh_journal_v1_RunAdmitted, _runmesh_journal_v1_RunAdmitted__Output>
        RunCancelRequested: MessageTypeDefinition<_runmesh_journal_v1_RunCancelRequested, _runmesh_journal_v1_RunCancelRequested__Output>
        RunFinished: MessageTypeDefinition<_runmesh_journal_v1_RunFinished, _runmesh_journal_v1_RunFinished__Output>
        RunState: EnumTypeDefinition
        RunSubmitted: MessageTypeDefinition<_runmesh_journal_v1_RunSubmitted, _runmesh_journal_v1_RunSubmitted__Output>
        RunTimedOut: MessageTypeDefinition<_runmesh_journal_v1_RunTimedOut, _runmesh_journal_v1_RunTimedOut__Output>
        StepCancelRequested: MessageTypeDefinition<_runmesh_journal_v1_StepCancelRequested, _runmesh_journal_v1_StepCancelRequested__Output>
        StepReadied: MessageTypeDefinition<_runmesh_journal_v1_StepReadied, _runmesh_journal_v1_StepReadied__Output>
        StepRetryScheduled: MessageTypeDefinition<_runmesh_journal_v1_StepRetryScheduled, _runmesh_journal_v1_StepRetryScheduled__Output>
        StepSettled: MessageTypeDefinition<_runmesh_journal_v1_StepSettled, _runmesh_journal_v1_StepSettled__Output>
        StepState: EnumTypeDefinition
      }
    }
    report: {
      v1: {
        AttemptDeclined: MessageTypeDefinition<_runmesh_report_v1_AttemptDeclined, _runmesh_report_v1_AttemptDeclined__Output>
        AttemptFinished: MessageTypeDefinition<_runmesh_report_v1_AttemptFinished, _runmesh_report_v1_AttemptFinished__Output>
        AttemptIdentity: MessageTypeDefinition<_runmesh_report_v1_AttemptIdentity, _runmesh_report_v1_AttemptIdentity__Output>
        AttemptStarted: MessageTypeDefinition<_runmesh_report_v1_AttemptStarted, _runmesh_report_v1_AttemptStarted__Output>
        CodeUse: MessageTypeDefinition<_runmesh_report_v1_CodeUse, _runmesh_report_v1_CodeUse__Output>
        Failure: MessageTypeDefinition<_runmesh_report_v1_Failure, _runmesh_report_v1_Failure__Output>
        FailureCause: EnumTypeDefinition
        Outcome: EnumTypeDefinition
        ReplicaState: EnumTypeDefinition
        Report: MessageTypeDefinition<_runmesh_report_v1_Report, _runmesh_report_v1_Report__Output>
        Reports: MessageTypeDefinition<_runmesh_report_v1_Reports, _runmesh_report_v1_Reports__Output>
        Usage: MessageTypeDefinition<_runmesh_report_v1_Usage, _runmesh_report_v1_Usage__Output>
      }
    }
  }
}

