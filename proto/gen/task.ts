import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from './runmesh/common/v1/ArtifactRef.ts';
import type { GpuRequest as _runmesh_common_v1_GpuRequest, GpuRequest__Output as _runmesh_common_v1_GpuRequest__Output } from './runmesh/common/v1/GpuRequest.ts';
import type { Manifest as _runmesh_common_v1_Manifest, Manifest__Output as _runmesh_common_v1_Manifest__Output } from './runmesh/common/v1/Manifest.ts';
import type { ManifestEntry as _runmesh_common_v1_ManifestEntry, ManifestEntry__Output as _runmesh_common_v1_ManifestEntry__Output } from './runmesh/common/v1/ManifestEntry.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from './runmesh/common/v1/Metric.ts';
import type { Resources as _runmesh_common_v1_Resources, Resources__Output as _runmesh_common_v1_Resources__Output } from './runmesh/common/v1/Resources.ts';
import type { CommandAction as _runmesh_task_v1_CommandAction, CommandAction__Output as _runmesh_task_v1_CommandAction__Output } from './runmesh/task/v1/CommandAction.ts';
import type { EnvironmentSpec as _runmesh_task_v1_EnvironmentSpec, EnvironmentSpec__Output as _runmesh_task_v1_EnvironmentSpec__Output } from './runmesh/task/v1/EnvironmentSpec.ts';
import type { GangPlace as _runmesh_task_v1_GangPlace, GangPlace__Output as _runmesh_task_v1_GangPlace__Output } from './runmesh/task/v1/GangPlace.ts';
import type { Limits as _runmesh_task_v1_Limits, Limits__Output as _runmesh_task_v1_Limits__Output } from './runmesh/task/v1/Limits.ts';
import type { NoopAction as _runmesh_task_v1_NoopAction, NoopAction__Output as _runmesh_task_v1_NoopAction__Output } from './runmesh/task/v1/NoopAction.ts';
import type { OutputSpec as _runmesh_task_v1_OutputSpec, OutputSpec__Output as _runmesh_task_v1_OutputSpec__Output } from './runmesh/task/v1/OutputSpec.ts';
import type { Task as _runmesh_task_v1_Task, Task__Output as _runmesh_task_v1_Task__Output } from './runmesh/task/v1/Task.ts';

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
    task: {
      v1: {
        CommandAction: MessageTypeDefinition<_runmesh_task_v1_CommandAction, _runmesh_task_v1_CommandAction__Output>
        EnvironmentKind: EnumTypeDefinition
        EnvironmentSpec: MessageTypeDefinition<_runmesh_task_v1_EnvironmentSpec, _runmesh_task_v1_EnvironmentSpec__Output>
        GangPlace: MessageTypeDefinition<_runmesh_task_v1_GangPlace, _runmesh_task_v1_GangPlace__Output>
        Limits: MessageTypeDefinition<_runmesh_task_v1_Limits, _runmesh_task_v1_Limits__Output>
        NoopAction: MessageTypeDefinition<_runmesh_task_v1_NoopAction, _runmesh_task_v1_NoopAction__Output>
        OutputSpec: MessageTypeDefinition<_runmesh_task_v1_OutputSpec, _runmesh_task_v1_OutputSpec__Output>
        Task: MessageTypeDefinition<_runmesh_task_v1_Task, _runmesh_task_v1_Task__Output>
      }
    }
  }
}

