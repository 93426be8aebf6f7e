import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from './runmesh/common/v1/ArtifactRef.ts';
import type { GpuRequest as _runmesh_common_v1_GpuRequest, GpuRequest__Output as _runmesh_common_v1_GpuRequest__Output } from './runmesh/common/v1/GpuRequest.ts';
import type { Manifest as _runmesh_common_v1_Manifest, Manifest__Output as _runmesh_common_v1_Manifest__Output } from './runmesh/common/v1/Manifest.ts';
import type { ManifestEntry as _runmesh_common_v1_ManifestEntry, ManifestEntry__Output as _runmesh_common_v1_ManifestEntry__Output } from './runmesh/common/v1/ManifestEntry.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from './runmesh/common/v1/Metric.ts';
import type { Resources as _runmesh_common_v1_Resources, Resources__Output as _runmesh_common_v1_Resources__Output } from './runmesh/common/v1/Resources.ts';
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

